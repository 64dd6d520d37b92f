import pytest

from config.environment import Environment
from config.services import Service
from tests.witnesses.counted_quantities import counted
from witnesses.prometheus.collection import PushedTarget
from witnesses.prometheus.service_targets import ServiceTargets
from witnesses.target_labels import alternatives

_SHOP, _TILL = {"job": "apps", "instance": "shop:80"}, {"job": "apps", "instance": "till:80"}
_ONE_JOB = ServiceTargets(
    {"shop": "apps", "till": "apps"}, {"shop": ["shop:80"], "till": ["till:80"]}
)
_TWO_JOBS = ServiceTargets.of_jobs("shop", "till")


@pytest.mark.parametrize(
    ("selector", "restricted"),
    [
        ("a_total", 'a_total{job=~"shop|till"}'),
        ("a_total{}", 'a_total{job=~"shop|till"}'),
        (' a_total { kind="tea", } ', 'a_total{kind="tea", job=~"shop|till"}'),
        ('a_total{job="shop"}', 'a_total{job="shop", job=~"shop"}'),
        ('a_total{job!="shop"}', 'a_total{job!="shop", job=~"till"}'),
        ('a_total{job="elsewhere"}', 'a_total{job="elsewhere"}'),
        ('a_total{kind="}"}', 'a_total{kind="}", job=~"shop|till"}'),
    ],
)
def test_a_selector_is_restricted_to_the_jobs_of_the_environment(
    selector: str, restricted: str
) -> None:
    assert _TWO_JOBS.selector(counted(prometheus=selector), []) == restricted


def test_a_quantity_that_names_its_service_is_restricted_to_that_job() -> None:
    quantity = counted(prometheus="a_total", service="till")
    assert _TWO_JOBS.selector(quantity, []) == 'a_total{job=~"till"}'


def test_services_under_one_job_are_told_apart_by_the_instance() -> None:
    quantity = counted(prometheus="a_total", service="shop")
    selector = _ONE_JOB.selector(quantity, [_SHOP, _TILL])
    assert selector == r'a_total{job=~"apps", instance=~"shop:80"}'


def test_an_instance_that_was_relabelled_is_not_asked_for() -> None:
    quantity = counted(prometheus="a_total", service="shop")
    renamed = [{"job": "apps", "instance": "shop-0"}]
    assert _ONE_JOB.selector(quantity, renamed) == 'a_total{job=~"apps"}'


def _pods(*apps: str) -> list[dict[str, str]]:
    """Return targets as Kubernetes has them: the address of a pod, and the app as a label."""
    return [
        {"job": "apps", "instance": f"10.0.0.{number}:80", "app": app}
        for number, app in enumerate(apps)
    ]


@pytest.mark.parametrize(
    ("selector", "targets", "is_told"),
    [
        ('a_total{app="shop"}', _pods("shop", "till"), True),
        ('a_total{app=~"sh.*"}', _pods("shop", "till", "till"), True),
        ('a_total{app="shop"}', _pods("shop", "shop", "till"), False),  # more than its replicas
        ('a_total{app="shop"}', _pods("till"), False),
        ('a_total{app="shop"}', _pods("shop"), False),  # all that there are
        ("a_total", _pods("shop", "till"), False),
        ('a_total{kind="tea"}', _pods("shop", "till"), False),
    ],
)
def test_services_under_one_job_are_told_apart_by_a_label_that_the_selector_names(
    selector: str, targets: list[dict[str, str]], is_told: bool
) -> None:
    quantity = counted(prometheus=selector, service="shop")
    assert _ONE_JOB.tells_apart(quantity, targets) is is_told
    assert "instance" not in _ONE_JOB.selector(quantity, targets)


def test_replicas_of_which_one_is_relabelled_are_not_told_apart_by_the_instance() -> None:
    targets = ServiceTargets(
        {"shop": "apps", "till": "apps"}, {"shop": ["shop:80", "shop:81"], "till": ["till:80"]}
    )
    quantity = counted(prometheus="a_total", service="shop")
    labels = [_SHOP, {"job": "apps", "instance": "shop-1"}, _TILL]
    assert not targets.tells_apart(quantity, labels)
    assert targets.selector(quantity, labels) == 'a_total{job=~"apps"}'


@pytest.mark.parametrize(
    ("selector", "target", "is_meant"),
    [
        ("a_total", _SHOP, True),
        ("a_total", {"job": "other", "instance": "x:80"}, False),
        ('a_total{namespace="prod"}', {**_SHOP, "namespace": "dev"}, False),
        ('a_total{namespace="prod"}', {**_SHOP, "namespace": "prod"}, True),
        ('a_total{kind="tea"}', _SHOP, True),
        ('a_total{job="batch", instance="nightly"}', _SHOP, True),
        ('a_total{job="apps", instance="nightly"}', _SHOP, False),
    ],
)
def test_a_target_is_meant_if_its_labels_satisfy_the_selector(
    selector: str, target: dict[str, str], is_meant: bool
) -> None:
    assert _ONE_JOB.is_target_of(counted(prometheus=selector), target) is is_meant


def test_the_targets_of_an_environment_are_those_of_its_services() -> None:
    services = {
        "shop": Service(url="http://shop:8080", metrics=["http://a:1/m", "http://b/m"]),
        "till": Service(url="https://till", job="apps"),
        "dark": Service(url="http://dark", metrics="none"),
    }
    targets = ServiceTargets.of_environment(Environment(environment="test", services=services))
    assert targets.jobs == {"shop": "shop", "till": "apps", "dark": "dark"}
    assert targets.instances == {"shop": ["a:1", "b:80"], "till": ["till:443"], "dark": []}


@pytest.mark.parametrize("named", ["localhost:9100", "127.0.0.1:9100", "[::1]:9100"])
@pytest.mark.parametrize("instance", ["localhost:9100", "127.0.0.1:9100", "[::1]:9100"])
def test_a_service_on_the_loopback_is_asked_for_as_prometheus_names_it(
    named: str, instance: str
) -> None:
    targets = ServiceTargets(
        {"shop": "apps", "till": "apps"}, {"shop": [named], "till": ["localhost:9101"]}
    )
    quantity = counted(prometheus="a_total", service="shop")
    labels = [{"job": "apps", "instance": instance}, {"job": "apps", "instance": "localhost:9101"}]
    assert targets.tells_apart(quantity, labels)
    wanted = f"instance=~{alternatives([instance])}"
    assert targets.selector(quantity, labels) == f'a_total{{job=~"apps", {wanted}}}'


@pytest.mark.parametrize(
    ("selector", "restricted"),
    [
        ("a_total", 'a_total{job=~"shop", env="staging"}'),
        ('a_total{env=~"s.*"}', 'a_total{env=~"s.*", job=~"shop", env="staging"}'),
        ('a_total{job="batch"}', 'a_total{job="batch", env="staging"}'),
        ('{"a.total"}', '{"a.total", job=~"shop", env="staging"}'),
    ],
)
def test_a_selector_is_restricted_to_the_labels_of_the_environment(
    selector: str, restricted: str
) -> None:
    targets = ServiceTargets({"shop": "shop"}, match={"env": "staging"})
    assert targets.selector(counted(prometheus=selector), []) == restricted


_PUSHED = ServiceTargets(
    {"shop": "shop", "till": "till"}, match={"env": "staging"},
    pushed={"shop": PushedTarget(job_label="service_name")},
)  # fmt: skip


def test_what_is_pushed_is_selected_by_the_label_that_has_its_job() -> None:
    quantity = counted(prometheus="a_total", service="shop")
    assert _PUSHED.selector(quantity, []) == 'a_total{service_name=~"shop", env="staging"}'
    assert _PUSHED.matchers_of_pushed("shop") == '{service_name=~"shop", env="staging"}'


def test_a_quantity_of_services_that_differ_in_that_label_is_not_restricted_to_jobs() -> None:
    assert _PUSHED.selector(counted(prometheus="a_total"), []) == 'a_total{env="staging"}'


@pytest.mark.parametrize(
    ("services", "discovered", "awaited"),
    [
        ((), (), {"shop", "till", "depot"}),
        (("shop",), (), {"shop"}),
        (("shop", "till"), (), {"shop", "till"}),
        (("shop", None), (), {"shop", "till", "depot"}),
        (("shop",), ("depot",), {"shop", "depot"}),
        (("pushing",), (), set()),
    ],
)
def test_targets_are_waited_for_if_a_quantity_can_rest_on_them(
    services: tuple[str | None, ...], discovered: tuple[str, ...], awaited: set[str]
) -> None:
    jobs = {name: name for name in ("shop", "till", "depot", "pushing")}
    targets = ServiceTargets(jobs, discovered=discovered, pushed={"pushing": PushedTarget()})
    quantities = [counted(prometheus="a_total", service=each) for each in services]
    assert targets.awaited_jobs(quantities) == awaited


@pytest.mark.parametrize(
    ("service", "stored"),
    [
        ("shop", (["shop"], "service_name")),
        ("till", (["till"], "job")),
        (None, (["shop", "till"], "job")),
    ],
)
def test_what_is_stored_of_a_service_is_under_the_label_that_has_its_job(
    service: str | None, stored: tuple[list[str], str]
) -> None:
    assert _PUSHED.stored_under(service) == stored


def test_services_that_are_pushed_under_the_usual_label_are_restricted_to_their_jobs() -> None:
    pushed = ServiceTargets({"shop": "shop", "till": "till"}, pushed={"shop": PushedTarget()})
    assert pushed.selector(counted(prometheus="a_total"), []) == 'a_total{job=~"shop|till"}'
    assert pushed.scraped_jobs == {"till"}


@pytest.mark.parametrize(
    ("labels", "target"),
    [
        ({"service_name": "shop", "instance": "a"}, ("shop", "a")),
        ({"service_name": "shop", "service_instance_id": "7f"}, ("shop", "7f")),
        ({"service_name": "shop"}, ("shop", "")),
        ({"job": "till", "instance": "t:80"}, ("till", "t:80")),
        ({"service_name": "other", "job": "x", "instance": "y"}, ("x", "y")),
    ],
)
def test_a_series_is_of_the_service_that_pushed_it_or_of_its_target(
    labels: dict[str, str], target: tuple[str, str]
) -> None:
    assert _PUSHED.target_of(labels) == target


@pytest.mark.parametrize(("service", "may_be"), [(None, True), ("shop", True), ("till", False)])
def test_a_quantity_may_be_pushed_if_its_service_does_or_any(
    service: str | None, may_be: bool
) -> None:
    assert _PUSHED.may_be_pushed(counted(prometheus="a_total", service=service)) is may_be


def test_the_services_of_an_environment_that_push_are_known_by_their_declaration() -> None:
    document = {
        "environment": "e",
        "services": {"shop": {"url": "http://s", "pushed": {"every": "10s"}},
                     "till": {"url": "http://t"}},
        "prometheus": {"url": "http://p"},
    }  # fmt: skip
    targets = ServiceTargets.of_environment(Environment.model_validate(document))
    assert targets.pushed == {"shop": PushedTarget(10.0)}
