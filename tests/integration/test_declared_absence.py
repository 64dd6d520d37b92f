"""Four ordinary set-ups in which witnesses are missing: declared absent, they are not missed."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.command import Ended, Start
from tests.integration.real_prometheus import real_prometheus
from tests.integration.sparse_shop import FAULTS, SOUND, USES, SparseShop, scenario_of, sparse_shop
from tests.tiny_server import nobody_listens_at

pytestmark = [pytest.mark.stack, pytest.mark.long]

COUNTED, STORED = ("prometheus",), ("database",)


@dataclass(frozen=True)
class SetUp:
    """What a set-up has, and what must come of it.

    `quantities` are by name, with the witnesses that each asks for; `codes` are of the faulty ones.
    `missing` is what the reason says without the declaration.
    """

    quantities: Mapping[str, tuple[str, ...]]
    rests_on: tuple[str, ...]
    codes: Mapping[str, str]
    missing: str
    has_prometheus: bool = False
    has_helper: bool = False
    shows_metrics: bool = False


BOTH = ("prometheus", "database")
SET_UPS = {
    "no Prometheus server": SetUp(
        dict.fromkeys((SOUND, *FAULTS), BOTH),
        ("client", "service", "database:main"),
        {"lost": "LOST_COUNT", "doubled": "DOUBLE_COUNT", "mislabelled": "WRONG_LABEL",
         "unstored": "LOST_ROW"},
        "leave prometheus: out of the environment's file to declare that there is none",
        shows_metrics=True,
    ),
    "metrics that only Prometheus sees": SetUp(
        {**dict.fromkeys((SOUND, *FAULTS), COUNTED), "unstored": BOTH},
        ("client", "prometheus"),
        {"lost": "LOST_COUNT", "doubled": "DOUBLE_COUNT", "mislabelled": "WRONG_LABEL",
         "unstored": "LOST_ROW"},
        "declare `metrics: none` on the service shop",
        has_prometheus=True,
    ),
    "records and no metrics": SetUp(
        dict.fromkeys((SOUND, *FAULTS), STORED),
        ("client", "database:main"),
        {"unstored": "LOST_ROW", "overstored": "EXTRA_ROW", "mislabelled": "WRONG_LABEL"},
        "declare `metrics: none` on the service shop",
    ),
    "a helper without metrics and health": SetUp(
        dict.fromkeys((SOUND, *FAULTS), COUNTED),
        ("client", "service"),
        {"lost": "LOST_COUNT", "doubled": "DOUBLE_COUNT", "mislabelled": "WRONG_LABEL"},
        "declare `health: none` on the service helper",
        has_helper=True,
        shows_metrics=True,
    ),
}  # fmt: skip


@pytest.fixture(params=SET_UPS)
def set_up(request: pytest.FixtureRequest) -> SetUp:
    return SET_UPS[request.param]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[SparseShop]:
    with sparse_shop(tmp_path) as served:
        yield served


def _environment(shop: SparseShop, set_up: SetUp, *, is_declared: bool) -> dict[str, Any]:
    of_shop: dict[str, Any] = {"url": shop.url}
    if set_up.shows_metrics:
        of_shop["metrics"] = [shop.metrics_url]
    elif is_declared:
        of_shop["metrics"] = "none"
    services = {"shop": of_shop}
    if set_up.has_helper:
        absent = {"metrics": "none", "health": "none"} if is_declared else {}
        services["helper"] = {"url": shop.helper_url, **absent}
    return {
        "environment": "sparse", "services": services, "exclusive": True,
        "databases": {"main": f"sqlite:///{shop.database}"}, "load": {"allowed": True},
        "headers": {"X-Tenant-ID": "{{ tenant }}"},
    }  # fmt: skip


def _ran(
    start: Start, shop: SparseShop, set_up: SetUp, *names: str, is_declared: bool = True
) -> Ended:
    folder = shop.database.parent
    environment = _environment(shop, set_up, is_declared=is_declared)
    with ExitStack() as held:
        if set_up.has_prometheus:
            url = held.enter_context(real_prometheus(folder, "shop", shop.metrics_port))
            environment["prometheus"] = {"url": url}
        elif "prometheus:" in set_up.missing and not is_declared:
            environment["prometheus"] = {"url": nobody_listens_at()}
        quantities = {name: set_up.quantities[name] for name in names}
        scenario = scenario_of(quantities, has_helper=set_up.has_helper)
        for name, text in (("s.yaml", scenario), ("env.yaml", json.dumps(environment))):
            folder.joinpath(name).write_text(text)
        files = (f"--scenario={folder / 's.yaml'}", f"--env={folder / 'env.yaml'}")
        return start("load", "--profile=load", *files).wait()


def test_what_is_declared_absent_is_not_asked_and_a_pass_names_what_it_rests_on(
    start: Start, shop: SparseShop, set_up: SetUp
) -> None:
    ended = _ran(start, shop, set_up, SOUND)
    assert ended.code == 0, ended.stdout + ended.stderr
    assert ended.result["rests_on"] == {SOUND: list(set_up.rests_on)}
    kinds = [name.partition(":")[0] for name in set_up.rests_on]
    words = f"rests on {', '.join(kinds[:-1])} and {kinds[-1]}."
    assert words in " ".join(ended.stdout.split())
    assert words in " ".join((ended.folder / "report.html").read_text().split())
    case = ET.parse(ended.folder / "junit.xml").find(".//testcase[@name='usage/sound']")
    assert case is not None
    assert (case.findtext("system-out") or "").startswith("rests on client")
    assert all(name in (case.findtext("system-out") or "") for name in set_up.rests_on)
    absent = {"/metrics", "/health"} if set_up.has_helper else set()
    assert absent.isdisjoint(shop.helper_asked)
    if not set_up.shows_metrics:
        assert ended.result["findings"]
        checks = {each["id"] for each in ended.result["findings"]}
        assert "precondition/metrics-readable/shop" not in checks


def test_each_fault_fails_with_its_code_on_the_witnesses_that_remain(
    start: Start, shop: SparseShop, set_up: SetUp
) -> None:
    ended = _ran(start, shop, set_up, SOUND, *set_up.codes)
    assert ended.code == 1, ended.stdout + ended.stderr
    codes = {name: ended.finding(f"usage/{name}")["code"] for name in set_up.codes}
    assert codes == dict(set_up.codes)
    sound = ended.finding(f"usage/{SOUND}")
    assert (sound["verdict"], sound["code"]) == ("pass", None)
    assert ended.result["rests_on"] == {SOUND: list(set_up.rests_on)}


def test_without_the_declaration_a_run_is_inconclusive_and_names_it(
    start: Start, shop: SparseShop, set_up: SetUp
) -> None:
    ended = _ran(start, shop, set_up, SOUND, is_declared=False)
    assert ended.code == 3, ended.stdout + ended.stderr
    assert set_up.missing in " ".join(ended.stdout.split())
    junit = (ended.folder / "junit.xml").read_text()
    assert ended.result["rests_on"] == ({SOUND: ["client", "database:main"]}
                                        if set_up.quantities[SOUND] == STORED else {})  # fmt: skip
    assert "<error" in junit
    assert shop.asked.count("/use") in (0, USES)
