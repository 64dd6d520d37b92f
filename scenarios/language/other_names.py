"""Names that k6, Locust, Artillery, Hurl and others have for the keys of a scenario."""

from config.other_names import OtherNames, belonging, meaning

_REQUEST = "request: METHOD service /path, where the service is one of the environment"
_PROFILE = "write it in a profile, as in profiles: {benchmark: {users: 10, duration: 1m}}"
_ENVIRONMENT = "it is a key of an environment file, which --env names"
_LATENCY = "write checks: {latency: [{p95: 500ms}]}, at the top of the file"
_THINK = "write a block of its own in the flow, as in - think: 1s"

OF_SCENARIO: OtherNames = {
    **meaning("scenario", "name", "title", "test", remedy="scenario: and its name"),
    **meaning("flow", "steps", "requests", "tasks", "journey", "transactions"),
    **meaning("flows", "scenarios"),
    **meaning("setup", "before", "beforeAll", "before_all"),
    **meaning("teardown", "after", "afterAll", "after_all"),
    **meaning("quantities", "counters", "metrics", "counts"),
    **meaning("witnesses", "min_witnesses", "minimum_witnesses", "quorum",
              remedy="witnesses: at least 3"),
    **meaning("data", "variables", "vars", "payload", "feeders",
              remedy="data: {rows: {file: rows.csv}}, or ${NAME} for an environment variable"),
    **belonging(_PROFILE, "stages", "vus", "users", "duration", "rate", "iterations", "phases",
                "options", "load", "executor"),
    **belonging(_LATENCY, "thresholds", "latency", "slo", "slos", "objectives"),
    **belonging("write it in a step, or in the environment file for every request", "headers"),
    **belonging("write expect in a step", "expect", "asserts", "assertions"),
    **belonging("the address of a service is in the environment file: services: NAME: url", "url",
                "base_url", "baseUrl", "host", "target"),
    **belonging(_ENVIRONMENT, "environment", "services", "prometheus", "databases", "tenant",
                "metrics_headers", "connect_to", "ca_file", "exclusive", "trace_header"),
}  # fmt: skip
OF_STEP: OtherNames = {
    **meaning("step", "name", "title", "id", remedy="step: and its name"),
    **meaning("request", "url", "uri", "path", "endpoint", "method", "service", "get", "post",
              "put", "patch", "delete", "GET", "POST", "PUT", "PATCH", "DELETE", remedy=_REQUEST),
    **belonging("write the body as json, form, multipart, text or file", "body", "payload", "data"),
    **meaning("query", "params", "qs", "query_params", "queryParams", "search"),
    **belonging('write it as a header, as in headers: {Cookie: "a=b"}', "cookies", "cookie"),
    **belonging("write auth at the service in the environment file", "auth", "basic_auth"),
    **meaning("expect", "assert", "asserts", "assertions", "check", "checks", "validate", "tests",
              "expected", "response", "expectations"),
    **belonging("write it below expect, as in expect: {status: 201}", "status", "status_code",
                "statusCode", "code", "expect_status"),
    **meaning("save", "capture", "captures", "extract", "store", "set", "export", "register"),
    **meaning("counts", "usage", "metrics", "quantities", "increments", "moves"),
    **belonging("write reported_by at the step that counts, with the name of the later step",
                "charged_by", "billed_by", "amount_from"),
    **meaning("stream", "streaming", "sse", "event_stream",
              remedy="stream: sse, or stream: json_lines"),
    **meaning("hang_up", "hangup", "disconnect", "abort_after", "close_after",
              remedy="hang_up: {after_events: 3}"),
    **meaning("until", "poll", "wait_until", "wait_for", "retry_until",
              remedy="until: {json: {state: done}, within: 30s}"),
    **meaning("counts_by_status", "counts_when", "count_by_status",
              remedy="counts_by_status: {409: {QUANTITY: 1}}"),
    **belonging(_THINK, "sleep", "pause", "wait", "delay", "think_time"),
    **belonging("nest the step below a block: - repeat: 3, with steps: below it", "loop", "times",
                "count_of_runs"),
    **belonging("nothing is sent again by itself; write until to poll", "retry", "retries"),
    **belonging('nest the step below a block: - if: "{{ … }}", with steps: below it', "when",
                "condition", "only_if", "unless"),
    **belonging("leave it out; flows with a share have weights", "weight", "tags", "tag", "group"),
    **belonging("write checks: {latency: [{step: NAME, p95: 500ms}]}, at the top of the file",
                "max_duration", "response_time", "latency", "thresholds"),
}  # fmt: skip
OF_EXPECT: OtherNames = {
    **meaning("status", "status_code", "statusCode", "code", "http_status", "http_code"),
    **belonging("write json: {EXPRESSION: value} or text: {contains: …}", "body"),
    **meaning("json", "jsonpath", "jsonPath", "jmespath", "json_path",
              remedy="json: {EXPRESSION: value}, in JMESPath"),
    **meaning("headers", "header", remedy="headers: {NAME: value}"),
    **belonging(_LATENCY, "max_duration", "duration", "response_time", "latency", "time"),
    **belonging("write text: {contains: …}", "contains"),
    **belonging("write text: {matches: …}", "matches", "regex", "regexp", "pattern"),
}  # fmt: skip
OF_UNTIL: OtherNames = {
    **OF_EXPECT,
    **meaning("within", "timeout", "max_wait", "deadline", "duration", "time"),
    **meaning("every", "interval", "delay", "wait", "backoff", "pause"),
    **belonging("nothing counts the polls; write within", "retries", "attempts", "max_attempts",
                "times", "count"),
}  # fmt: skip
OF_HANG_UP: OtherNames = {
    **meaning("after_events", "after", "events", "after_chunks", "after_tokens",
              "after_messages", "count", "after_bytes", "after_s", "after_seconds", "after_ms",
              "timeout", remedy="after_events: 3"),
}  # fmt: skip
OF_EVENT_COUNT: OtherNames = {
    **meaning("at_least", "min", "minimum", "least", "from", "gte"),
    **meaning("at_most", "max", "maximum", "most", "to", "lte"),
    **belonging("write the number alone, as in events: 3", "equals", "exactly", "count", "eq"),
}  # fmt: skip
OF_SHARED_FLOW: OtherNames = {
    **meaning("share", "weight", "percent", "percentage", "probability", "ratio",
              remedy="share: 3, relative to those of the other flows"),
    **meaning("steps", "flow", "requests", "tasks", "blocks"),
}  # fmt: skip
OF_RELATION: OtherNames = {
    **meaning("equal", "equals", "eq", "same", "quantities", "between",
              remedy="equal: [quantities]"),
    **meaning("name", "relation", "title", "id"),
}  # fmt: skip
OF_CAPTURE: OtherNames = {
    **meaning("json", "jsonpath", "jsonPath", "jmespath", "path", "expression", "body",
              remedy="json: EXPRESSION, in JMESPath"),
    **meaning("text", "regex", "regexp", "pattern",
              remedy="text: PATTERN, with one group in parentheses"),
    **meaning("header", "headers"),
    **meaning("default", "fallback", "default_value", "otherwise", "or_else"),
}  # fmt: skip
OF_PROFILE: OtherNames = {
    **meaning("users", "vus", "VUs", "concurrency", "threads", "virtual_users", "clients",
              "connections"),
    **meaning("iterations", "requests", "loops", "loop", "count", "iteration"),
    **meaning("duration", "time", "run_time", "runtime", "hold", "hold_for", "period"),
    **meaning("rate", "rps", "qps", "arrivalRate", "arrival_rate", "throughput",
              remedy="rate: 20/s, with a duration"),
    **meaning("stages", "ramp", "ramp_up", "rampUp", "rampTo", "spawn_rate", "hatch_rate",
              remedy="stages: [from 0/s to 20/s over 1m, 20/s for 5m]"),
    **meaning("max_users", "preAllocatedVUs", "maxVUs", "maxVusers", "max_vus"),
    **meaning("warm_up", "warmup", "warmUp"),
    **meaning("think", "sleep", "pause", "wait", "wait_time", "think_time", "pacing"),
    **belonging("leave it out; users make a closed model, a rate makes an open one", "executor",
                "type", "model"),
    **belonging(_LATENCY, "thresholds", "p95", "latency"),
    **belonging("nothing to write: requests under way are completed", "gracefulStop",
                "graceful_stop"),
}  # fmt: skip
OF_LATENCY: OtherNames = {
    **meaning("p50", "avg", "average", "mean", "med", "median",
              remedy="p50, the median; averages are not judged"),
    **belonging("a minimum is not judged; write p50", "min"),
    **belonging("write a percentile, such as p95: 500ms, or max", "limit", "threshold", "at_most",
                "below", "less_than"),
    **meaning("step", "name", "request"),
}  # fmt: skip
OF_SERVER_LATENCY: OtherNames = {
    **OF_LATENCY,
    **belonging("write a percentile: p95: 2.5s means that 95 % took at most 2.5 s", "within",
                "share", "limit", "at_most", "le", "bucket", "ratio"),
    **meaning("histogram", "metric", "prometheus", "selector", "series",
              remedy="histogram: request_seconds{route=\"/buy\"}, without _bucket"),
    **meaning("name", "title", "id"),
    **meaning("by", "labels", "label", "per", "group_by", remedy="by: [labels]"),
    **belonging("write histogram: and the selector of a histogram; nothing is interpolated",
                "query", "promql", "histogram_quantile"),
}  # fmt: skip
OF_ABORT_ON: OtherNames = {
    **OF_LATENCY,
    **meaning("over", "window", "within", "for", "delay", remedy="over: 30s"),
    **belonging("write abort: {success_rate: 95%} beside abort_on", "errors", "error_rate",
                "success_rate", "failures", "http_req_failed"),
}  # fmt: skip
OF_DATA: OtherNames = {
    **meaning("file", "path", "csv", "jsonl", "source", "filename", remedy="file: customers.csv"),
    **meaning("rows", "values", "inline", "items", "list", remedy="rows: [{id: a}, {id: b}]"),
    **meaning("order", "mode", "strategy", "selection", "pick", "shuffle", "random",
              remedy="order: cyclic, random or unique"),
    **meaning("per", "scope"),
    **meaning("contention", "shared_by", "users_per_row", "concurrency"),
    **meaning("at_end", "on_end", "at_eof", "recycle", "wrap", "loop",
              remedy="at_end: stop, or at_end: wrap"),
    **belonging("the first record of a CSV file has the names; quote its values as RFC 4180 has it",
                "header", "columns", "fields", "delimiter", "skip_first_line"),
}  # fmt: skip
OF_CHECKS: OtherNames = {
    **belonging("write latency: [{p95: 500ms}]", "thresholds", "p95", "p99", "duration",
                "response_time", "http_req_duration", "max_duration"),
    **belonging("write errors: [{at_most: 1%}] or success_rate: 99%", "error_rate", "errorRate",
                "http_req_failed", "failures"),
    **belonging("write server_latency: [{histogram: request_seconds, p95: 500ms}]",
                "latency_server", "service_latency", "histogram", "histograms"),
    **belonging("write throughput: {at_least: 50/s}", "rps", "rate", "qps"),
    **meaning("usage", "counts", "quantities", "balance", remedy="usage: [names of quantities]"),
    **meaning("promql", "prometheus", "queries", "query"),
}  # fmt: skip
OF_API_REQUEST: OtherNames = {
    **meaning("get", "url", "path", "endpoint", "request", "method", "GET",
              remedy="get: /path, or post: /path, below the url of the API"),
    **meaning("post", "POST"),
    **meaning("query", "params", "qs", "parameters", "query_params"),
    **meaning("json", "body", "data", "payload", remedy="json: {…}, or form: {…}"),
    **meaning("pick", "select", "extract", "jmespath", "jsonpath", "value", "path_to_value", "rows",
              remedy='pick: "data[].{LABEL: …, value: …}", in JMESPath'),
    **meaning("paging", "pagination", "pages", "page", "cursor", "next", "link",
              remedy="paging: {cursor: …, parameter: …}, {page: NAME} or {link: next}"),
    **meaning("settle", "delay", "wait", "lag", "eventually"),
    **meaning("align", "window", "window_size", "granularity", "round", remedy="align: 1m"),
    **meaning("absolute", "fresh", "total", remedy="absolute: true"),
    **meaning("each", "for_each", "foreach", "matrix", "loop", remedy="each: {LABEL: [values]}"),
    **meaning("since", "period", "from", "period_start", remedy="since: EXPRESSION"),
    **meaning("expect", "assert", "complete", "check"),
    **belonging("write auth at the API in the environment file", "auth", "token", "api_key",
                "bearer", "basic"),
    **belonging("write timeout at the API in the environment file", "timeout"),
}  # fmt: skip
OF_PAGING: OtherNames = {
    **meaning("cursor", "next", "next_cursor", "after", "token", "starting_after",
              remedy='cursor: "data[-1].id", with parameter: NAME'),
    **meaning("parameter", "param", "name", "query", "key"),
    **meaning("page", "page_number", "pageNumber", "number", "offset", remedy="page: PARAMETER"),
    **meaning("step", "size", "limit", "page_size", "per_page", remedy="step: 100, of an offset"),
    **meaning("url", "next_url", "next_link", "nextLink", "href"),
    **meaning("in", "place", "location"),
    **meaning("first", "start", "from"),
    **meaning("link", "links", "header", "rel", remedy="link: next"),
    **meaning("more", "has_more", "hasMore", "has_next", "while"),
    **meaning("total", "total_count", "count", "total_rows"),
}  # fmt: skip
OF_QUANTITY: OtherNames = {
    **meaning("prometheus", "metric", "counter", "name", "selector", "series"),
    **meaning("by", "labels", "label", "group_by", "groupBy", "dimensions", remedy="by: [labels]"),
    **meaning("database", "sql", "query", "db", "table", "postgres", "mysql", "sqlite",
              remedy="database: {NAME: SELECT …}, with the NAME that databases of the "
                     "environment has"),
    **meaning("api", "apis", "usage_api", "billing", "meter", "http", "rest",
              remedy="api: {NAME: {get: /path, pick: …}}, with the NAME that apis of the "
                     "environment has"),
    **meaning("traces", "trace", "trace_ids"),
    **meaning("resolution", "decimals", "precision", "scale", remedy="resolution: 0.001"),
    **meaning("settle", "delay", "wait", "lag"),
    **meaning("witnesses", "min_witnesses", "minimum_witnesses", "sources", "quorum",
              remedy="witnesses: at least 3"),
    **belonging("write in_doubt: 1%, or expect: at least", "tolerance", "epsilon"),
    **belonging("leave it out; every quantity is a counter", "type"),
}  # fmt: skip
OF_BLOCKS: OtherNames = {
    **meaning("think", "sleep", "pause", "wait", "delay", "think_time"),
    **meaning("repeat", "loop", "times", "while"),
    **meaning("for_each", "foreach", "forEach", "for", "each"),
    **meaning("if", "when", "condition", "unless"),
    **meaning("together", "parallel", "concurrent", "batch", "group", "all"),
    **meaning("step", "name", "url", "get", "post", "method"),
}  # fmt: skip
OF_CONDITION: OtherNames = meaning("steps", "then", "do", "flow")
