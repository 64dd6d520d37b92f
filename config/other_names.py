"""Names that other tools have for the keys of a document, and what to write in their place."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class OtherName:
    """The remedy for a key that another tool knows; `key` is the one that replaces it here.

    Without a `key`, what is meant belongs to another place of the document, or to another file.
    """

    remedy: str
    key: str = ""


OtherNames = Mapping[str, OtherName]


def meaning(key: str, *names: str, remedy: str = "") -> dict[str, OtherName]:
    """Return the names that stand for a key of the same mapping.

    >>> meaning("users", "vus")["vus"].remedy
    'write users'
    """
    return dict.fromkeys(names, OtherName(f"write {remedy or key}", key))


def belonging(remedy: str, *names: str) -> dict[str, OtherName]:
    """Return the names of what is written somewhere else."""
    return dict.fromkeys(names, OtherName(remedy))


_URL = "url: with scheme, host and port, as in http://127.0.0.1:8000"
# of a service or an API, each of which has auth
_AUTH: OtherNames = {
    **belonging("write auth: {bearer: …}", "token", "bearer"),
    **belonging("write auth: {basic: {username: …, password: …}}", "basic", "basic_auth",
                "username", "password"),
    **belonging("write auth: {api_key: …}", "api_key"),
}  # fmt: skip

OF_ENVIRONMENT: OtherNames = {
    **meaning("environment", "name", "env", remedy="environment: and its name"),
    **meaning("databases", "database", "db", "dsn", "postgres", "mysql", "sqlite",
              remedy='databases: with a name for each, as in {shop: "${SHOP_DATABASE_URL}"}'),
    **meaning("apis", "api", "usage_api", "usage_apis", "billing", "metering",
              remedy="apis: with a name for each, as in {billing: {url: https://…}}"),
    **belonging("write url in each service, below services: NAME", "url", "base_url", "baseUrl",
                "host", "target"),
    **belonging("write metrics in each service, below services: NAME", "metrics", "metrics_url"),
    **belonging("write auth in each service, below services: NAME", "auth", "basic", "bearer",
                "token", "oauth2", "api_key"),
    **belonging("write timeout in a step of the scenario, or below prometheus", "timeout"),
    **belonging("write match below prometheus, as in match: {env: staging}", "match", "matchers",
                "labels", "selector", "external_labels"),
    **belonging("certificates are always verified; name the CA's file with ca_file", "verify",
                "insecure", "tls", "ssl", "skip_tls_verify"),
    **belonging("it is a key of a scenario file, which --scenario names", "scenario", "flow",
                "flows", "quantities", "profiles", "checks", "data", "steps"),
}  # fmt: skip
OF_PROJECT: OtherNames = {
    **meaning("scenario", "default_scenario", "test", "script", "locustfile"),
    **meaning("environment", "env", "default_environment", "default_env", "target"),
    **meaning("scenarios", "tests", "testpaths", "flows", "scripts"),
    **meaning("environments", "envs", "config"),
    **meaning("runs", "output", "out", "results", "reports", "artifacts"),
    **meaning("keep", "retention", "keep_days", "keep_runs", "expire", "expire_in",
              remedy="keep: {days: 30, at_least: 10}"),
    **belonging("it is a key of an environment file, which --env names", "services", "prometheus",
                "databases", "headers", "tenant", "url", "base_url"),
    **belonging("it is a key of a scenario file, which --scenario names", "flow", "steps",
                "quantities", "profiles", "checks", "data"),
}  # fmt: skip
OF_KEEP: OtherNames = {
    **meaning("days", "age", "max_age", "for", remedy="days: 30, a whole number"),
    **meaning("at_least", "min", "minimum", "count", "runs", "last", "newest"),
}
OF_SERVICE: OtherNames = {
    **meaning("url", "base_url", "baseUrl", "base", "host", "address", "endpoint", "target",
              remedy=_URL),
    **belonging("write it in url, as in http://127.0.0.1:8000", "port", "scheme"),
    **meaning("pushed", "push", "otlp", "remote_write", "remotewrite", "opentelemetry", "otel",
              remedy="pushed: true, or pushed: {every: 60s}"),
    **meaning("health", "healthcheck", "health_check", "liveness", "alive",
              remedy="health: /path"),
    **meaning("ready", "readiness", remedy="ready: /path"),
    **meaning("replicas", "discovery", "targets", "instances", "service_discovery", "pods",
              remedy="replicas: discovered, or metrics: [URL of each replica]"),
    **meaning("metrics", "metrics_url", "metrics_urls", "scrape",
              remedy="metrics: [URL of each replica]"),
    **_AUTH,
}  # fmt: skip
OF_PUSHED: OtherNames = {
    **meaning("every", "interval", "export_interval", "push_interval", "period", "step",
              remedy="every: the interval of the exports, as in 60s"),
    **meaning("job_label", "label", "labels", "by", "service_label",
              remedy="job_label: the label that has the service's name"),
    **belonging("write job in the service, beside pushed", "job", "service_name"),
}  # fmt: skip
OF_PROMETHEUS: OtherNames = {
    **meaning("match", "matchers", "labels", "label", "selector", "external_labels", "filter",
              remedy="match: with a value for each label, as in {env: staging}"),
    **belonging("write job in each service, below services: NAME", "job", "jobs"),
}  # fmt: skip
OF_API: OtherNames = {
    **meaning("url", "base_url", "baseUrl", "base", "host", "address", "endpoint", remedy=_URL),
    **meaning("timeout", "deadline", "request_timeout"),
    **meaning("probe", "health", "healthcheck", "ping", remedy="probe: /path"),
    **_AUTH,
    **belonging("write auth: {bearer: …}", "key"),
    **belonging("write it in the quantity, as in api: {NAME: {get: /path, pick: …}}", "get",
                "post", "path", "query", "pick", "paging", "settle"),
}  # fmt: skip
OF_BASIC: OtherNames = {
    **meaning("username", "user", "login", "name"),
    **meaning("password", "pass", "secret", "pwd"),
}  # fmt: skip
OF_API_KEY: OtherNames = {
    **meaning("header", "name", "header_name"),
    **meaning("query", "param", "parameter", "query_param"),
    **meaning("value", "key", "token", "secret"),
    **belonging("write either header: NAME or query: NAME", "in", "location", "place"),
}  # fmt: skip
OF_OAUTH2: OtherNames = {
    **meaning("token_url", "url", "tokenUrl", "token_endpoint", "endpoint", "issuer",
              remedy="token_url: and the address of the token endpoint"),
    **meaning("client_id", "clientId", "id"),
    **meaning("client_secret", "clientSecret", "secret"),
    **meaning("scope", "scopes", remedy="scope: as one text, with spaces between them"),
    **meaning("style", "auth_method", "token_endpoint_auth_method",
              remedy="style: header, or style: body"),
    **belonging("leave it out; the grant is client_credentials", "grant_type", "grant", "flow",
                "username", "password", "refresh_token"),
}  # fmt: skip
OF_AUTH: OtherNames = {
    **meaning("bearer", "token", "bearer_token"),
    **meaning("basic", "basic_auth"),
    **meaning("certificate", "cert", "client_certificate"),
    **belonging("leave it out; the key below auth is the kind, as in auth: {bearer: …}", "type"),
    **belonging("write basic: {username: …, password: …}", "username", "password"),
}  # fmt: skip
OF_LOAD_LIMITS: OtherNames = {
    **meaning("max_users", "max_vus", "users", "vus"),
    **meaning("max_rate", "rate", "max_rps", "rps"),
    **meaning("max_iterations", "iterations", "max_requests"),
    **belonging("a duration is not limited here; write it in a profile of the scenario",
                "max_duration", "duration"),
}  # fmt: skip
