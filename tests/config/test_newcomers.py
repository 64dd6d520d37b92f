"""Mistakes of people who write their first environment: one sentence each, with the remedy."""

from pathlib import Path

import pytest

from config.environment import read_environment
from config.errors import ConfigError
from config.preview import preview_environment

GOOD = """\
environment: staging
services:
  shop:
    url: "https://shop.example"
    metrics: ["https://shop.example/metrics"]
prometheus:
  url: "https://prom.example"
tenant: per run
load: {allowed: true, max_users: 20}
"""
METRICS = '    metrics: ["https://shop.example/metrics"]\n'
URL = '    url: "https://shop.example"\n'


def written(folder: Path, old: str, new: str) -> Path:
    assert old in GOOD
    path = folder / "e.yaml"
    path.write_text(GOOD.replace(old, new, 1))
    return path


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (METRICS, f"{METRICS}    metrics_auth: nothing\n",
         "6: services.shop.metrics_auth: must be none, or a mapping with the keys of auth; "
         "did you mean none?"),
        (METRICS, "    metrics: nothing\n",
         "5: services.shop.metrics: write none to declare that there is none"),
        (METRICS, f"{METRICS}    health: false\n",
         "6: services.shop.health: write none to declare that there is none"),
        (METRICS, "    metrics: /metrics\n",
         "5: services.shop.metrics: '/metrics' is not an address; write http://… or https://…, "
         "or 'none'"),
        (URL, '    base_url: "https://shop.example"\n',
         "4: unknown key 'base_url'; write url: with scheme, host and port, as in "
         "http://127.0.0.1:8000"),
        ("tenant:", "timeout: 5s\ntenant:",
         "8: unknown key 'timeout'; write timeout in a step of the scenario, or below prometheus"),
        ("tenant:", "verify: false\ntenant:",
         "8: unknown key 'verify'; certificates are always verified; name the CA's file with "
         "ca_file"),
        ("tenant: per run", "tenant: per-run",
         "8: tenant: write per run for a tenant of each run's own; 'per-run' would be one tenant "
         "of that name"),
        ("prom.example", "prom.example/api/v1",
         "7: prometheus.url: write the base of /api/v1, without /api/v1, /graph or /metrics at its "
         "end"),
        ("tenant:", "trace_header: trace parent\ntenant:",
         "8: trace_header: 'trace parent' is not the name of a header; use letters, digits and -, "
         "as in X-Request-ID"),
        ("max_users", "max_vus", "9: unknown key 'max_vus'; write max_users"),
        ("tenant:", "flow: []\ntenant:",
         "8: unknown key 'flow'; it is a key of a scenario file, which --scenario names"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line_and_its_remedy(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_environment(written(tmp_path, old, new))
    assert str(error.value) == f"{tmp_path}/e.yaml:{problem}"


@pytest.mark.parametrize("url", ["https://prom.example/prometheus", "https://prom.example/api"])
def test_the_base_of_prometheus_may_have_a_path(tmp_path: Path, url: str) -> None:
    path = written(tmp_path, "https://prom.example", url)
    environment = read_environment(path)
    assert environment.prometheus is not None
    assert environment.prometheus.url == url


@pytest.mark.parametrize("read", [read_environment, preview_environment])
def test_a_variable_that_is_not_set_is_reported_with_the_other_mistakes(
    tmp_path: Path, read: object
) -> None:
    new = "headers: {X-Key: '${NOBODY_SETS_THIS}'}\nfoo: 1\ntenant:"
    path = written(tmp_path, "tenant:", new)
    with pytest.raises(ConfigError) as error:
        if read is read_environment:
            read_environment(path)
        else:
            preview_environment(path, lambda _: False)
    assert [problem.line for problem in error.value.problems] == [8, 9]
