from pathlib import Path

import pytest

from config.environment import find_environment, read_environment, read_environment_file
from config.errors import ConfigError
from config.project import ENVIRONMENTS
from config.prometheus import Prometheus
from config.services import Service  # fmt: skip
from config.verbatim import TextPart

STAGING = """\
environment: staging
services:
  shop:
    url: https://shop.example/
  till:
    url: ${TILL_URL}
    metrics: [http://till-1.example/metrics, http://till-2.example/metrics/]
prometheus: {url: "http://prometheus.example", timeout: 500ms}
headers: {Authorization: "Bearer ${TOKEN}", X-Tenant-ID: "{{ tenant }}"}
load: {allowed: true, max_users: 5}
"""
VARIABLES = {"TILL_URL": "http://till.example:8080", "TOKEN": "secret"}


PROMETHEUS = 'prometheus: {url: "http://prometheus.example", timeout: 500ms}'
# A self-signed certificate; its private key was discarded.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBgzCCASmgAwIBAgIUVQFMKntS2V+W5w1XHhl02UQAYoowCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLQSB0ZXN0J3MgQ0EwIBcNMjYxMTIzMDMxNzA5WhgPMjEyNjEw
MzAwMzE3MDlaMBYxFDASBgNVBAMMC0EgdGVzdCdzIENBMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEPtUYmR7eyMqVDAOFg+s+5F82k8XUO7NDMKDWpNC5QSqi7Iko
adQ3hrSapKSjkAd0YYGHXVrV9vbMNxfNSKxbCqNTMFEwHQYDVR0OBBYEFNrvwxZm
xqrYZeuc5dpw2XA2tR6CMB8GA1UdIwQYMBaAFNrvwxZmxqrYZeuc5dpw2XA2tR6C
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgV+auBDQnfTSvm4uv
Fv3AZlYBVN19otFJi867Sp02tZ8CIQC6HryBOdgKL3bE5y2HTpg+rQgCzjXhFBH+
nTlK5W3yww==
-----END CERTIFICATE-----
"""


def written(folder: Path, text: str = STAGING) -> Path:
    path = folder / "staging.yaml"
    path.write_text(text)
    return path


def mistakes(folder: Path, old: str, new: str) -> str:
    assert old in STAGING
    with pytest.raises(ConfigError) as error:
        read_environment(written(folder, STAGING.replace(old, new)), VARIABLES)
    return str(error.value).replace(f"{folder}/", "")


def test_an_environment_is_found_by_its_name() -> None:
    assert find_environment("local") == ENVIRONMENTS / "local.yaml"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://me:s3cret@shop.example", "a URL must not contain a user and password"),
        ("https://shop.example?key=s3cret", "a URL must not contain ? or #; use a header"),
        ("https://", "'https://' is not an address"),
        ("https://caf\u00e9.example", "is not ASCII; write its host in Punycode, xn--…"),
    ],
)
def test_a_service_url_with_a_secret_or_without_a_host_is_refused(
    tmp_path: Path, url: str, reason: str
) -> None:
    message = mistakes(tmp_path, "https://shop.example/", url)
    assert message.startswith("staging.yaml:4: services.shop.url: ")
    assert reason in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Content-Length: 3x", "the client itself says this; leave it out"),
        ("x-trace-id: mine", "the client itself says this; leave it out"),
        ("X Key: mine", "'X Key' is not the name of a header; use letters, digits and -"),
        (
            'X-Key: "a\\nb"',
            "not a valid header value: write ASCII text without spaces around it",
        ),
    ],
)
def test_a_header_that_http_cannot_carry_is_refused(
    tmp_path: Path, header: str, reason: str
) -> None:
    assert reason in mistakes(tmp_path, 'X-Tenant-ID: "{{ tenant }}"', header)


def test_an_environment_is_found_by_its_path(tmp_path: Path) -> None:
    assert find_environment(str(written(tmp_path))) == tmp_path / "staging.yaml"


@pytest.mark.parametrize("name", ["nowhere", "nowhere.yaml", "nowhere.yml"])
def test_an_unknown_environment_is_reported_with_the_known_ones(name: str) -> None:
    with pytest.raises(
        ConfigError, match=r"no such environment; known: .*local.*, or the path of a YAML file"
    ):
        find_environment(name)


def test_given_variables_are_expanded(tmp_path: Path) -> None:
    environment = read_environment(written(tmp_path), VARIABLES)
    assert environment.services["till"].url == "http://till.example:8080"
    assert environment.headers == {"Authorization": "Bearer secret", "X-Tenant-ID": "{{ tenant }}"}


def test_given_variables_override_those_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILL_URL", "http://process.example")
    monkeypatch.setenv("TOKEN", "from-process")
    environment = read_environment(written(tmp_path), {"TILL_URL": "http://given.example"})
    assert environment.services["till"].url == "http://given.example"
    assert environment.headers["Authorization"] == "Bearer from-process"


def test_every_unset_variable_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TILL_URL", raising=False)
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(ConfigError) as error:
        read_environment(written(tmp_path))
    assert [(problem.line, problem.message) for problem in error.value.problems] == [
        (6, "the environment variable TILL_URL is not set; export it first"),
        (9, "the environment variable TOKEN is not set; export it first"),
    ]


def _services(folder: Path, text: str) -> dict[str, Service]:
    path = folder / "environment.yaml"
    path.write_text(f"environment: test\n{text}", encoding="utf-8")
    return read_environment(path, {}).services


def test_a_trailing_slash_is_removed_from_a_url(tmp_path: Path) -> None:
    environment = read_environment(written(tmp_path), VARIABLES)
    assert environment.services["shop"].url == "https://shop.example"


def test_a_metrics_url_keeps_its_trailing_slash(tmp_path: Path) -> None:
    text = "services: {shop: {url: 'http://shop', metrics: ['http://shop/metrics/']}}\n"
    assert _services(tmp_path, text)["shop"].metrics_urls() == ["http://shop/metrics/"]


@pytest.mark.parametrize("metrics", ["none", "[none]"])
def test_only_a_service_whose_metrics_are_none_is_declared_to_show_none(
    tmp_path: Path, metrics: str
) -> None:
    text = f"services: {{shop: {{url: 'http://shop', metrics: {metrics}}}}}\n"
    if metrics == "none":
        assert _services(tmp_path, text)["shop"].metrics_urls() == []
    else:
        with pytest.raises(ConfigError, match="is not an address"):
            _services(tmp_path, text)


@pytest.mark.parametrize("metrics", ["[]", '""', '"  "', "null", '"${METRICS:-}"'])
def test_metrics_that_name_no_replica_are_refused_with_what_may_be_meant(
    tmp_path: Path, metrics: str
) -> None:
    text = f"services: {{shop: {{url: 'http://shop', metrics: {metrics}}}}}\n"
    with pytest.raises(ConfigError) as error:
        _services(tmp_path, text)
    assert str(error.value).partition("services.")[2] == (
        "shop.metrics: names no replica; write metrics: none to declare that the service shows "
        "none, leave the key out for /metrics below url, or write the URL of each replica"
    )


def test_a_service_without_a_health_endpoint_is_asked_for_its_root(tmp_path: Path) -> None:
    text = "services: {shop: {url: 'http://shop', health: none}, till: {url: 'http://till'}}\n"
    services = _services(tmp_path, text)
    assert (services["shop"].health_path, services["till"].health_path) == ("/", "/health")


def test_metrics_are_scraped_from_each_replica_or_from_the_service_url(tmp_path: Path) -> None:
    services = read_environment(written(tmp_path), VARIABLES).services
    assert services["shop"].metrics_urls() == ["https://shop.example/metrics"]
    assert services["till"].metrics_urls() == [
        "http://till-1.example/metrics",
        "http://till-2.example/metrics/",
    ]


def test_without_a_load_section_no_load_is_allowed(tmp_path: Path) -> None:
    text = STAGING.replace("load: {allowed: true, max_users: 5}\n", "")
    environment = read_environment(written(tmp_path, text), VARIABLES)
    assert not environment.load.allowed
    assert not environment.exclusive


def test_the_timeout_of_a_query_is_in_seconds(tmp_path: Path) -> None:
    prometheus = read_environment(written(tmp_path), VARIABLES).prometheus
    assert prometheus is not None
    assert prometheus.timeout == pytest.approx(0.5)


def prometheus_of(folder: Path, settings: str, **variables: str) -> Prometheus:
    text = STAGING.replace(PROMETHEUS, f"prometheus: {{url: http://p.example/, {settings}}}")
    prometheus = read_environment(written(folder, text), {**VARIABLES, **variables}).prometheus
    assert prometheus is not None
    return prometheus


def mistakes_of(folder: Path, settings: str, **variables: str) -> str:
    with pytest.raises(ConfigError) as error:
        prometheus_of(folder, settings, **variables)
    return str(error.value).replace(f"{folder}/", "")


def test_the_credentials_of_prometheus_may_come_from_variables(tmp_path: Path) -> None:
    prometheus = prometheus_of(tmp_path, 'bearer_token: "${TOKEN}"')
    assert prometheus.bearer_token == "secret"
    settings = 'basic_auth: {username: me, password: "${TOKEN}"}, headers: {X-Scope-OrgID: acme}'
    prometheus = prometheus_of(tmp_path, settings)
    assert prometheus.basic_auth is not None
    assert (prometheus.basic_auth.username, prometheus.basic_auth.password) == ("me", "secret")
    assert prometheus.headers == {"X-Scope-OrgID": "acme"}


def test_the_url_of_prometheus_may_have_a_path(tmp_path: Path) -> None:
    text = STAGING.replace("http://prometheus.example", "http://prometheus.example/a/b/")
    prometheus = read_environment(written(tmp_path, text), VARIABLES).prometheus
    assert prometheus is not None
    assert prometheus.url == "http://prometheus.example/a/b"


def test_the_repr_of_the_prometheus_settings_shows_no_secret(tmp_path: Path) -> None:
    for settings in (
        'bearer_token: "${TOKEN}", headers: {X-Key: "${TOKEN}"}',
        'basic_auth: {username: me, password: "${TOKEN}"}',
    ):
        assert "secret" not in repr(prometheus_of(tmp_path, settings))


def test_the_path_of_a_ca_file_is_absolute_or_relative_to_the_environment_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.pem").write_text(CERTIFICATE)
    for written_as in ("tls/ca.pem", f"{tmp_path}/tls/ca.pem"):
        assert prometheus_of(tmp_path, f"ca_file: {written_as}").ca_file == (
            f"{tmp_path}/tls/ca.pem"
        )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no file ca.pem"),
        ("", "ca.pem holds no certificate in PEM form"),
        ("no certificate", "ca.pem holds no certificate in PEM form"),
        (CERTIFICATE[:200], "ca.pem holds no certificate in PEM form"),
        (CERTIFICATE.replace("M", "N"), "ca.pem holds no certificate in PEM form"),
    ],
    ids=["missing", "empty", "words", "cut", "garbled"],
)
def test_a_ca_file_without_a_certificate_is_refused(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    assert mistakes_of(tmp_path, "ca_file: ca.pem") == (
        f"staging.yaml:8: prometheus.ca_file: {reason}"
    )


def test_a_folder_is_refused_as_ca_file(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "ca_file: .") == (
        f"staging.yaml:8: prometheus.ca_file: there is no file {tmp_path}"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            'bearer_token: "${TOKEN}", basic_auth: {username: me, password: "${TOKEN}"}',
            "prometheus: bearer_token and basic_auth exclude each other; keep one of them",
            id="two credentials",
        ),
        pytest.param(
            'bearer_token: "${TOKEN}", headers: {authorization: "${TOKEN}"}',
            "prometheus: bearer_token and headers.authorization exclude each other; "
            "keep one of them",
            id="token and Authorization header",
        ),
        pytest.param(
            'bearer_token: ""',
            "prometheus.bearer_token: not a token: one word of visible ASCII, without Bearer",
            id="empty token",
        ),
        pytest.param(
            'bearer_token: "Bearer ${TOKEN}"',
            "prometheus.bearer_token: not a token: one word of visible ASCII, without Bearer",
            id="token with its scheme",
        ),
        pytest.param(
            'bearer_token: ["${TOKEN}"]',
            "prometheus.bearer_token: must be a text, and is a list; "
            "quote it if it begins with { or [",
            id="a list of tokens",
        ),
        pytest.param(
            'basic_auth: {username: "me:too", password: "${TOKEN}"}',
            "prometheus.basic_auth.username: a username must not contain a colon",
            id="colon",
        ),
        pytest.param(
            'basic_auth: {username: me, password: "${TOKEN}\\n"}',
            "prometheus.basic_auth.password: must not contain a line break or another control "
            "character",
            id="line break",
        ),
        pytest.param(
            "basic_auth: {username: me}",
            "the key 'prometheus.basic_auth.password' is missing; add it, as in password: "
            "${PASSWORD}",
            id="no password",
        ),
        pytest.param(
            'basic_auth: {user: me, username: me, password: "${TOKEN}"}',
            "unknown key 'user'; username is written already, so remove one of them",
            id="unknown key",
        ),
        pytest.param(
            'headers: {X-Key: "${TOKEN}\\nX-Other: 1"}',
            "prometheus.headers.X-Key: not a valid header value: write ASCII text without spaces "
            "around it",
            id="a header in a header",
        ),
        pytest.param(
            "headers: {X Key: s}",
            "prometheus.headers.X Key: 'X Key' is not the name of a header; use letters, digits "
            "and -, as in X-Request-ID",
            id="no name of a header",
        ),
        pytest.param(
            "headers: {X-Scope-OrgID: 1}",
            "prometheus.headers.X-Scope-OrgID: must be a text; quote it",
            id="a number",
        ),
    ],
)
def test_a_mistake_in_the_credentials_of_prometheus_is_reported_without_the_secret(
    tmp_path: Path, settings: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        prometheus_of(tmp_path, settings, TOKEN="s3cret")
    assert str(error.value) == f"{tmp_path}/staging.yaml:8: {message}"
    assert error.value.__cause__ is not None
    assert "s3cret" not in str(error.value.__cause__)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://me:s3cret@p.example", "a URL must not contain a user and password"),
        ("me:s3cret@p.example", "a URL must not contain a user and password; use basic_auth"),
        ("http://p.example?key=s3cret", "a URL must not contain ? or #; use headers or"),
        ("http://p.example/#s3cret", "a URL must not contain ? or #"),
        ("http://", "'http://' is not an address; write http://… or https://…"),
        ("http://p.example:port", "is not an address"),
        ("http://[::1", "is not an address"),
        ("p.example", "'p.example' is not an address"),
        ("http://p .example", "is not an address"),
    ],
)
def test_a_prometheus_url_with_a_secret_or_without_a_host_is_refused(
    tmp_path: Path, url: str, reason: str
) -> None:
    message = mistakes(tmp_path, "http://prometheus.example", url)
    assert message.startswith("staging.yaml:8: prometheus.url: ")
    assert reason in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "https://shop.example/",
            "shop.example",
            "staging.yaml:4: services.shop.url: 'shop.example' is not an address; "
            "write http://… or https://…",
            id="no scheme",
        ),
        pytest.param(
            "timeout: 500ms",
            "timeout: 500",
            "staging.yaml:8: prometheus.timeout: 500 is not a duration; "
            "write a number and a unit: 500ms, 2.5s, 10m",
            id="no unit",
        ),
        pytest.param(
            "max_users: 5",
            "max_users: 0",
            "staging.yaml:10: load.max_users: must be greater than 0",
            id="no user",
        ),
        pytest.param(
            "allowed: true, ",
            "",
            "staging.yaml:10: the key 'load.allowed' is missing",
            id="load without permission",
        ),
        pytest.param(
            "load: {",
            "laod: {",
            "staging.yaml:10: unknown key 'laod'; did you mean load?",
            id="misspelt",
        ),
        pytest.param(
            "    url: https://shop.example/",
            "    {}",
            "staging.yaml:3: the key 'services.shop.url' is missing",
            id="service without address",
        ),
        pytest.param(
            "environment: staging\n",
            "environment: staging\nstack: mine\n",
            "staging.yaml:2: stack: must be 'reference_services'",
            id="unknown stack",
        ),
    ],
)
def test_a_mistake_names_line_field_and_remedy_in_an_environment(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert mistakes(tmp_path, old, new) == message


def test_an_environment_needs_a_service(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"staging.yaml:2: services: "):
        read_environment(written(tmp_path, "environment: e\nservices: {}\n"), {})


def test_an_environment_file_is_read_without_variables(tmp_path: Path) -> None:
    read = read_environment_file(written(tmp_path))
    assert (read.name, read.starts_stack) == ("staging", False)
    assert read.headers["shop"]["Authorization"] == "Bearer ${TOKEN}"


def test_the_local_environment_starts_its_stack() -> None:
    read = read_environment_file(find_environment("local"))
    assert (read.name, read.starts_stack) == ("local", True)


@pytest.mark.parametrize("text", ["[1]\n", "headers: 3\n", "environment:\n"])
def test_an_environment_without_a_name_is_named_after_its_file(tmp_path: Path, text: str) -> None:
    read = read_environment_file(written(tmp_path, text))
    assert (read.name, read.starts_stack, read.headers) == ("staging", False, {})


def test_the_parts_of_a_header_are_templates_or_what_a_variable_held(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(
        "environment: e\nservices: {s: {url: 'http://s'}}\n"
        "headers: {X-A: 'a-${A}-{{ run }}', X-B: '{{ run }}', X-C: '${C:-{default}'}"
    )
    parts = read_environment(path, {"A": "{{ run }}"}).headers_of("s")
    assert parts == {
        "X-A": (TextPart("a-"), TextPart("{{ run }}", True, "A"), TextPart("-{{ run }}")),
        "X-B": (TextPart("{{ run }}"),),
        "X-C": (TextPart(""), TextPart("{default", True, "C"), TextPart("")),
    }


@pytest.mark.parametrize("tenant", ['a"b', "a'b", "a\\\\b", "a\\nb", "é", " a", "a ", ""])
def test_a_tenant_that_cannot_stand_in_headers_and_queries_is_refused(
    tmp_path: Path, tenant: str
) -> None:
    escaped = tenant.replace('"', '\\"')
    message = mistakes(tmp_path, "load: ", f'tenant: "{escaped}"\nload: ')
    assert message.startswith("staging.yaml:10: tenant: not a tenant")


@pytest.mark.parametrize(
    "url",
    [
        "nosuch://ada:hunter2@db/shop",
        "hunter2",
        "sqlite://",
        "sqlite:///:memory:",
        "db:5432/shop",
        "jdbc:mysql://ada:hunter2@db/shop",
    ],
)
def test_a_database_url_of_no_known_kind_is_refused_without_quoting_it(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_environment(
            written(tmp_path, STAGING + "databases: {shop: '${SHOP_DATABASE}'}\n"),
            {**VARIABLES, "SHOP_DATABASE": url},
        )
    assert "staging.yaml:11: databases.shop: " in str(error.value)
    assert "database URL" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("scheme", "reason"),
    [
        ("mssql+pyodbc", "a database of SQL Server is not supported: PostgreSQL, MySQL, MariaDB "
                         "and SQLite are; write postgresql://…, mysql://… or sqlite:///…"),
        ("oracle", "a database of Oracle is not supported: PostgreSQL, MySQL"),
        ("mongodb+srv", "a database of MongoDB is not supported: PostgreSQL, MySQL"),
        ("clickhouse", "a database of ClickHouse is not supported: ask its HTTP interface as an "
                       "API: apis: here, and api: in a quantity"),
        ("cockroachdb", "write postgresql://… for CockroachDB, which speaks its protocol"),
    ],
)  # fmt: skip
def test_a_database_of_another_kind_is_refused_with_those_that_are_supported(
    tmp_path: Path, scheme: str, reason: str
) -> None:
    url = f"{scheme}://ada:${{VARIABLE}}@db/shop"
    with pytest.raises(ConfigError) as error:
        read_environment(
            written(tmp_path, STAGING + f"databases: {{shop: '{url}'}}\n"),
            {**VARIABLES, "VARIABLE": "hunter2"},
        )
    assert f"staging.yaml:11: databases.shop: {reason}" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "scheme",
    ["postgresql", "postgres", "postgresql+psycopg", "mysql", "mysql+pymysql", "mysql2", "mariadb"],
)
def test_a_database_of_a_server_has_one_of_these_schemes(tmp_path: Path, scheme: str) -> None:
    url = f"{scheme}://ada:${{VARIABLE}}@db/shop"
    environment = read_environment(
        written(tmp_path, STAGING + f"databases: {{shop: '{url}'}}\n"),
        {**VARIABLES, "VARIABLE": "hunter2"},
    )
    assert environment.databases["shop"] == f"{scheme}://ada:hunter2@db/shop"


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("https://shop.example/", '"https://{{ tenant }}.shop.example/"', 4),
        ("load: ", 'metrics_headers: {X-Tenant: "{{ tenant }}"}\nload: ', 10),
        ("timeout: 500ms", 'headers: {X-Scope-OrgID: "{{ tenant }}"}', 8),
        (
            "    url: ${TILL_URL}",
            '    url: ${TILL_URL}\n    metrics_headers: {X-A: "{{ run }}"}',
            7,
        ),
        ("load: ", 'databases: {shop: "sqlite:///{{ tenant }}.db"}\nload: ', 10),
    ],
)
def test_a_template_where_none_is_evaluated_is_refused(
    tmp_path: Path, old: str, new: str, line: int
) -> None:
    assert mistakes(tmp_path, old, new).splitlines()[0] == (
        f"staging.yaml:{line}: templates are evaluated in headers only; "
        "write the value, or a ${VARIABLE}"
    )


def test_a_secret_may_contain_the_braces_of_a_template(tmp_path: Path) -> None:
    environment = read_environment(written(tmp_path), {**VARIABLES, "TOKEN": "a{{ 7*7 }}b"})
    assert environment.headers["Authorization"] == "Bearer a{{ 7*7 }}b"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  till:",
            '  "../till":',
            "staging.yaml:2: services: '../till' is not the name of a service",
        ),
        ("  till:", '  "a b":', "staging.yaml:2: services: 'a b' is not the name of a service"),
        ("  till:", '  "":', "staging.yaml:2: services: '' is not the name of a service"),
        (
            "environment: staging",
            "environment: a/b",
            "staging.yaml:1: environment: 'a/b' is not a name",
        ),
        (
            "environment: staging",
            'environment: ""',
            "staging.yaml:1: environment: '' is not a name",
        ),
    ],
)
def test_a_name_that_cannot_stand_in_the_name_of_a_file_is_refused(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert mistakes(tmp_path, old, new).startswith(expected)


OWN = """\
environment: e
services:
  shop: {url: "http://shop"}
  broker:
    url: "http://broker"
    headers: {authorization: "Basic ${BROKER}", X-Tenant-ID: null, X-Of: "{{ run }}"}
    metrics_headers: {Authorization: null, X-Key: "${KEY}"}
headers: {Authorization: "Bearer ${TOKEN}", X-Tenant-ID: "{{ tenant }}", Accept: text/plain}
metrics_headers: {Authorization: "Bearer ${METRICS}", Accept: text/plain}
"""
OF_OWN = {"BROKER": "YWRhOmh1bnRlcjIy", "KEY": "k3y-of-broker", "TOKEN": "t0ken", "METRICS": "m3t"}


def test_a_service_replaces_and_leaves_out_headers_of_the_environment(tmp_path: Path) -> None:
    environment = read_environment(written(tmp_path, OWN), OF_OWN)
    names = {name: list(environment.headers_of(name)) for name in environment.services}
    assert names == {
        "shop": ["Authorization", "X-Tenant-ID", "Accept"],
        "broker": ["Accept", "authorization", "X-Of"],
    }
    own = environment.headers_of("broker")["authorization"]
    assert own[1] == TextPart(OF_OWN["BROKER"], is_verbatim=True, variable="BROKER")
    assert environment.metrics_headers_of("broker", "") == {
        "Accept": "text/plain", "X-Key": "k3y-of-broker"
    }  # fmt: skip
    assert environment.metrics_headers_of("shop", "") == environment.metrics_headers


def test_the_headers_of_a_service_are_secrets(tmp_path: Path) -> None:
    secrets = read_environment(written(tmp_path, OWN), OF_OWN).secrets()
    assert {OF_OWN["BROKER"], "hunter22", OF_OWN["KEY"], OF_OWN["TOKEN"]} <= {*secrets}


def test_the_headers_of_each_service_are_read_as_written(tmp_path: Path) -> None:
    assert read_environment_file(written(tmp_path, OWN)).headers == {
        "shop": {"Authorization": "Bearer ${TOKEN}", "X-Tenant-ID": "{{ tenant }}",
                 "Accept": "text/plain"},
        "broker": {"authorization": "Basic ${BROKER}", "Accept": "text/plain", "X-Of": "{{ run }}"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "Basic ${BROKER}",
            "Basic YWRhOmh1bnRlcjIy",
            "6: services.broker.headers.authorization: a secret in plaintext; "
            "write ${A_VARIABLE} instead, and export the variable",
        ),
        (
            '"${KEY}"',
            "mine",
            "7: services.broker.metrics_headers.X-Key: a secret in plaintext; "
            "write ${A_VARIABLE} instead, and export the variable",
        ),
        (
            "X-Tenant-ID: null",
            "AUTHORIZATION: x",
            "6: services.broker.headers: authorization and AUTHORIZATION are the same header; "
            "keep one of them",
        ),
        (
            "X-Tenant-ID: null",
            "X-Tenant-ID: 7",
            "6: services.broker.headers.X-Tenant-ID: must be a text; quote it",
        ),
        (
            "X-Tenant-ID: null",
            "X-Trace-ID: null",
            "6: services.broker.headers.X-Trace-ID: the client itself says this; leave it out",
        ),
        (
            "    headers: ",
            "    header: ",
            "6: unknown key 'header'; did you mean headers?",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_the_headers_of_a_service_has_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in OWN
    with pytest.raises(ConfigError) as error:
        read_environment(written(tmp_path, OWN.replace(old, new, 1)), OF_OWN)
    assert f"staging.yaml:{message}" in str(error.value).replace(f"{tmp_path}/", "").splitlines()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("match: {env: staging}", "unknown key 'match'; write match below prometheus"),
        (
            "prometheus: {url: http://p.example, labels: {env: x}}",
            "unknown key 'labels'; write match: with a value for each label, as in {env: staging}",
        ),
        ("prometheus: {url: http://p.example, match: {env: 5}}", "prometheus.match.env: "),
        ("prometheus: {url: http://p.example, match: env}", "prometheus.match: "),
        ('prometheus: {url: http://p.example, match: {"a-b": x}}', "'a-b' is not a label"),
    ],
)
def test_a_mistake_in_a_match_has_its_line_and_a_remedy(
    tmp_path: Path, line: str, message: str
) -> None:
    text = f"environment: test\nservices: {{shop: {{url: http://s.example}}}}\n{line}\n"
    with pytest.raises(ConfigError) as refused:
        read_environment(written(tmp_path, text))
    assert ":3: " in str(refused.value)
    assert message in str(refused.value)


def test_the_values_of_a_match_are_no_secrets_wherever_they_come_from(tmp_path: Path) -> None:
    text = (
        "environment: test\nservices: {shop: {url: http://s.example}}\n"
        'prometheus: {url: http://p.example, match: {env: "${STAGE}"}, bearer_token: "${STAGE}"}\n'
    )
    environment = read_environment(written(tmp_path, text), {"STAGE": "staging"})
    assert "staging" not in environment.secrets()


_DISCOVERED = "services:\n  shop: {url: http://s.example, replicas: discovered}\n"
_ASKED = "prometheus: {url: http://p.example}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_DISCOVERED, ":3: replicas are discovered from Prometheus, and the environment has none; "
         "add prometheus: {url: …}, or write metrics: [URL of each replica]"),
        (_DISCOVERED.replace("discovered}", "discovered, metrics: [http://s.example/m]}") + _ASKED,
         ":3: services.shop: replicas: discovered and a list in metrics exclude each other"),
        (_DISCOVERED.replace("discovered", "3") + _ASKED,
         ":3: services.shop.replicas: must be discovered; to name the replicas, write metrics:"),
        (_DISCOVERED.replace("discovered", "[http://s.example/m]") + _ASKED, "must be discovered;"),
        (_DISCOVERED.replace("replicas:", "discovery:") + _ASKED,
         "unknown key 'discovery'; write replicas: discovered, or metrics: [URL of each replica]"),
        (_DISCOVERED + "  till: {url: http://t.example, job: shop}\n" + _ASKED,
         ":3: the targets of job shop are those of shop and of till; give each service a job"),
    ],
    ids=range(6),
)  # fmt: skip
def test_replicas_that_cannot_be_discovered_are_refused_in_their_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read_environment(written(tmp_path, f"environment: test\n{text}"))
    assert len(refused.value.problems) == 1
    assert message in str(refused.value)


@pytest.mark.parametrize("metrics", ["", ", metrics: none"])
def test_discovered_replicas_name_no_metrics_address(tmp_path: Path, metrics: str) -> None:
    text = f"environment: test\n{_DISCOVERED.replace('discovered', f'discovered{metrics}')}{_ASKED}"
    service = read_environment(written(tmp_path, text)).services["shop"]
    assert service.is_discovered
    assert service.metrics_urls() == []


_SECRETS = """
environment: test
services:
  shop:
    url: http://shop.example
    replicas: discovered
    auth: {bearer: "${TOKEN}"}
    metrics_auth: {bearer: "${METRICS_TOKEN}"}
    metrics_headers: {X-Key: "${KEY}"}
prometheus: {url: http://p.example}
metrics_headers: {X-Common: "${COMMON}"}
"""


@pytest.mark.parametrize(
    ("url", "is_own"),
    [
        ("http://shop.example/metrics", True),
        ("http://SHOP.example:80/m", True),
        ("https://shop.example/metrics", False),
        ("http://shop.example:81/metrics", False),
        ("http://10.0.0.7/metrics", False),
        ("http://shop.example.evil/metrics", False),
    ],
)
def test_a_discovered_address_gets_no_secret_unless_it_is_of_the_origin_of_the_service(
    tmp_path: Path, url: str, is_own: bool
) -> None:
    variables = {name: f"secret-{name}" for name in ("TOKEN", "METRICS_TOKEN", "KEY", "COMMON")}
    environment = read_environment(written(tmp_path, _SECRETS), variables)
    auth = environment.services["shop"].auth_of_metrics(url)
    assert auth.bearer == ("secret-METRICS_TOKEN" if is_own else None)
    headers = {"X-Common": "secret-COMMON", "X-Key": "secret-KEY"}
    assert environment.metrics_headers_of("shop", url) == (headers if is_own else {})


@pytest.mark.parametrize(
    ("change", "is_new"),
    [("", True), ("tenant: per run\n", True), ("tenant: acme\n", False)],
)
def test_a_tenant_is_new_where_each_run_has_its_own(
    tmp_path: Path, change: str, is_new: bool
) -> None:
    environment = read_environment(written(tmp_path, STAGING + change), VARIABLES)
    assert environment.has_new_tenant is is_new


def test_a_tenant_that_a_probe_is_sent_for_is_not_new(tmp_path: Path) -> None:
    text = STAGING.replace("shop.example/\n", "shop.example/\n    probe: /orders\n")
    assert not read_environment(written(tmp_path, text), VARIABLES).has_new_tenant
