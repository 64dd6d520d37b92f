import pytest

from scenarios.language.selector import parse_selector
from witnesses.target_labels import NO_TARGETS, TargetLabels, address_of, alternatives, instance_of

_URL = "http://shop:80/metrics"
_PROD = {"job": "shop", "instance": "shop:80", "namespace": "prod"}
_DEV = {"job": "shop", "instance": "dev:80", "namespace": "dev"}


def _selects(selector: str, shown: dict[str, str], targets: TargetLabels, url: str = _URL) -> bool:
    of_replica = targets.of_replica("shop", url)
    return not of_replica.failed_matchers(parse_selector(selector), shown)


@pytest.mark.parametrize(
    ("url", "instance"),
    [
        ("http://shop:8080/metrics", "shop:8080"),
        ("http://shop/metrics", "shop:80"),
        ("https://shop/m?x=1", "shop:443"),
        ("http://[::1]/metrics", "[::1]:80"),
    ],
)
def test_the_instance_is_the_host_and_port_of_the_url(url: str, instance: str) -> None:
    assert instance_of(url) == instance


@pytest.mark.parametrize(
    ("selector", "shown", "selected"),
    [
        ('a{job="shop",namespace="prod"}', {}, True),
        ('a{job="till"}', {}, False),
        ('a{namespace="dev"}', {}, False),
        ('a{namespace=~"pro.*",kind="tea"}', {"kind": "tea"}, True),
        ('a{namespace="prod",kind="tea"}', {"kind": "coffee"}, False),
        ('a{instance="shop:80"}', {}, True),
        ('a{exported_job="batch"}', {"job": "batch"}, True),
        ('a{exported_job="batch"}', {"job": "other"}, False),
        ('a{job="shop"}', {"job": "batch"}, True),
        ('a{job="batch"}', {"job": "batch"}, True),
        ('a{exported_kind="tea"}', {"kind": "tea"}, False),
        ('a{exported_kind="tea"}', {"exported_kind": "tea"}, True),
    ],
    ids=[
        "labels of the target", "another job", "another namespace", "both vocabularies",
        "another kind", "the instance", "a renamed label", "another value of a renamed label",
        "the target's job before the page's", "an honoured label",
        "no renaming without a collision", "a name that only looks renamed",
    ],
)  # fmt: skip
def test_a_selector_is_read_in_the_vocabulary_of_each_label(
    selector: str, shown: dict[str, str], selected: bool
) -> None:
    assert _selects(selector, shown, TargetLabels.of_targets([_PROD])) is selected


def test_of_two_targets_of_a_job_the_one_with_the_urls_address_is_meant() -> None:
    targets = TargetLabels.of_targets([_PROD, _DEV])
    assert not _selects('a{namespace="dev"}', {}, targets)
    assert _selects('a{namespace="dev"}', {}, targets, "http://dev/metrics")


def test_a_replica_without_a_target_of_its_address_may_be_any_of_its_job() -> None:
    targets = TargetLabels.of_targets([_PROD, _DEV])
    assert _selects('a{namespace="dev"}', {}, targets, "http://10.0.0.7:9000/metrics")
    assert not _selects('a{namespace="test"}', {}, targets, "http://10.0.0.7:9000/metrics")


def test_without_a_prometheus_job_and_instance_are_unknown_and_other_labels_are_the_pages() -> None:
    assert _selects('a{job="any",instance=~".+"}', {}, NO_TARGETS)
    assert not _selects('a{namespace="prod"}', {}, NO_TARGETS)


def test_texts_become_a_pattern_that_matches_only_them() -> None:
    assert alternatives(["b.c", 'd"']) == r'"b\\.c|d\""'


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LocalHost"])
def test_a_target_is_recognised_by_each_name_of_the_loopback(host: str) -> None:
    here = {"job": "shop", "instance": "127.0.0.1:80", "namespace": "prod"}
    targets = TargetLabels.of_targets([here, _DEV])
    assert _selects('a{namespace="prod"}', {}, targets, f"http://{host}/metrics")
    assert not _selects('a{namespace="dev"}', {}, targets, f"http://{host}/metrics")


@pytest.mark.parametrize("other", ["localhost:81", "127.0.0.2:80", "shop:80", "localhost.shop:80"])
def test_another_port_or_host_is_another_address(other: str) -> None:
    assert address_of(other) != address_of("127.0.0.1:80")
