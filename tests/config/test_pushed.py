"""Services that push their metrics, as an environment declares them."""

from pathlib import Path

import pytest

from config.environment import Environment, read_environment
from config.errors import ConfigError

_ENVIRONMENT = """\
environment: staging
services:
  shop:
    url: "https://shop.example"
    {keys}
prometheus: {{url: "https://prom.example"}}
"""


def _read(folder: Path, keys: str) -> Environment:
    path = folder / "e.yaml"
    path.write_text(_ENVIRONMENT.format(keys=keys))
    return read_environment(path)


@pytest.mark.parametrize(
    ("keys", "every_s", "job_label"),
    [
        ("pushed: true", None, "job"),
        ("pushed: {}", None, "job"),
        ("pushed: {every: 60s}", 60.0, "job"),
        ("pushed: {every: 500ms, job_label: service_name}", 0.5, "service_name"),
    ],
)
def test_what_is_declared_of_a_service_that_pushes(
    tmp_path: Path, keys: str, every_s: float | None, job_label: str
) -> None:
    pushed = _read(tmp_path, keys).services["shop"].pushed
    assert pushed
    assert (pushed.every, pushed.job_label) == (every_s, job_label)


@pytest.mark.parametrize(
    ("keys", "urls"),
    [
        ("pushed: true", []),
        ('pushed: true\n    metrics: ["https://shop.example/m"]', ["https://shop.example/m"]),
        ("pushed: false", ["https://shop.example/metrics"]),
    ],
)
def test_a_service_that_pushes_shows_no_page_unless_it_names_one(
    tmp_path: Path, keys: str, urls: list[str]
) -> None:
    service = _read(tmp_path, keys).services["shop"]
    assert service.metrics_urls() == urls
    assert service.shows_none is not bool(urls)


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ("pushed: 60s", "services.shop.pushed: must be true, or a mapping such as {every: 60s}"),
        ("pushed: [60s]", "services.shop.pushed: must be true, or a mapping such as {every: 60s}"),
        ("pushed:", "services.shop.pushed: must be true, or a mapping such as {every: 60s}"),
        ("pushed: {every: 5m}", "services.shop.pushed.every: must be from 50ms to 4m: a query "
         "shows a sample for five minutes"),
        ("pushed: {every: 1ms}", "services.shop.pushed.every: must be from 50ms to 4m: a query "
         "shows a sample for five minutes"),
        ("pushed: {every: 10}", "services.shop.pushed.every: 10 is not a duration; write a number "
         "and a unit: 500ms, 2.5s, 10m"),
        ("pushed: {interval: 60s}", "unknown key 'interval'; write every: the interval of the "
         "exports, as in 60s"),
        ("pushed: {labels: shop}", "unknown key 'labels'; write job_label: the label that has the "
         "service's name"),
        ("pushed: {job: shop}", "unknown key 'job'; write job in the service, beside pushed"),
        ("pushed: {job_label: a b}", "services.shop.pushed.job_label: 'a b' is not a label; write "
         "letters, digits and _"),
        ("otlp: true", "unknown key 'otlp'; write pushed: true, or pushed: {every: 60s}"),
        ("remote_write: true", "unknown key 'remote_write'; write pushed: true, or "
         "pushed: {every: 60s}"),
        ("metrics: pushed", "services.shop.metrics: write pushed: true in its place, or 'none'"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line_and_its_remedy(tmp_path: Path, keys: str, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        _read(tmp_path, keys)
    assert str(error.value) == f"{tmp_path}/e.yaml:5: {problem}"


def test_what_is_pushed_has_no_targets_that_show_its_replicas(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        _read(tmp_path, "pushed: true\n    replicas: discovered")
    assert str(error.value) == (
        f"{tmp_path}/e.yaml:3: services.shop: nothing scrapes what is pushed, so no target shows "
        "its replicas; write either replicas: discovered or pushed"
    )


def test_what_is_pushed_needs_a_backend_to_be_asked(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text(_ENVIRONMENT.format(keys="pushed: true").split("prometheus:", maxsplit=1)[0])
    with pytest.raises(ConfigError) as error:
        read_environment(path)
    assert str(error.value) == (
        f"{path}:5: add prometheus: {{url: …}}, the backend to which the metrics are pushed"
    )
