"""Whether a run of the real command finds what only a usage API knows."""

from pathlib import Path

import pytest

from tests.integration.billed_shop import SCENARIO, TOKEN, billed_shop
from tests.integration.command import Ended, Start

pytestmark = pytest.mark.long


def _code(ended: Ended) -> str | None:
    code: str | None = ended.finding("usage/calls")["code"]
    return code


def _figure(ended: Ended, kind: str) -> dict[str, object]:
    row = next(each for each in ended.rows("calls") if each["labels"] == {"kind": kind})
    figure: dict[str, object] = row["figures"]["api:lago"]
    return figure


@pytest.mark.parametrize(
    ("fault", "exit_code", "code"),
    [
        ("", 0, None),
        ("lost", 1, "LOST_EVENT"),
        ("doubled", 1, "DOUBLE_EVENT"),
        ("late", 1, "LATE"),
    ],
)
def test_a_run_finds_each_fault_of_the_metering_and_judges_it_the_same_again(
    start: Start, tmp_path: Path, fault: str, exit_code: int, code: str | None
) -> None:
    with billed_shop(tmp_path, fault) as (api, options):
        ended = start("load", *options, USAGE_TOKEN=TOKEN).wait()
        sent = {asked.headers["authorization"] for asked in api.asked}
        assert sent == {f"Bearer {TOKEN}"}, ended.stdout + ended.stderr
        asked = len(api.asked)
        again = start("check", str(ended.folder)).wait()
        assert len(api.asked) == asked
    assert (ended.code, _code(ended)) == (exit_code, code), ended.stdout + ended.stderr
    assert (again.code, _code(again)) == (exit_code, code)
    if not fault:
        assert [_figure(ended, kind)["low"] for kind in ("tea", "coffee")] == [20, 20]
    kept = [path.read_bytes() for path in ended.folder.rglob("*") if path.is_file()]
    assert not any(TOKEN.encode() in content for content in kept)
    page = (ended.folder / "report.html").read_text()
    assert "api:lago" in page or "API lago" in page
    assert api.url in page
    assert "api" in ended.stdout


def test_a_page_that_goes_on_failing_leaves_the_run_open(start: Start, tmp_path: Path) -> None:
    with billed_shop(tmp_path) as (api, options):
        api.instead.append(lambda _: (503, "unavailable", {}) if api.events.sent else None)
        ended = start("load", *options, USAGE_TOKEN=TOKEN).wait()
    assert (ended.code, _code(ended)) == (3, "WITNESS_DOWN")
    assert _figure(ended, "tea")["reason"] == "api_down"


def test_a_busy_api_and_a_missing_page_are_asked_again_until_they_are_whole(
    start: Start, tmp_path: Path
) -> None:
    failures = [(429, "", {"Retry_After": "2"}), (503, "", {}), (503, "", {})]
    with billed_shop(tmp_path) as (api, options):
        api.instead.append(
            lambda _: failures.pop() if failures and len(api.events.sent) == 40 else None
        )
        ended = start("load", *options, USAGE_TOKEN=TOKEN).wait()
    assert failures == []
    assert ended.code == 0, ended.stdout


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("customer_usage.charges_usage[]", "usage.charges[]", "s.yaml:10: "),
        ("customers/{{ tenant }}/current_usage", "customer/{{ tenant }}/usage", ""),
    ],
)
def test_a_wrong_pick_is_found_before_the_first_request(
    start: Start, tmp_path: Path, old: str, new: str, words: str
) -> None:
    with billed_shop(tmp_path, scenario=SCENARIO.replace(old, new)) as (api, options):
        ended = start("load", *options, USAGE_TOKEN=TOKEN).wait()
        sent = len(api.events.sent)
    # of a customer that the run may create, a path that is not found is no mistake yet
    assert ended.code == (2 if words else 3)
    assert words in ended.stderr
    assert sent == (0 if words else 40)
