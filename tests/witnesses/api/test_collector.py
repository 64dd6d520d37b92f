import json
from pathlib import Path

import pytest

from config.network import Network
from scenarios.evidence.run_folder import RunFolder
from tests.usage_apis.metered import TEA, metered
from tests.witnesses.counted_quantities import counted
from witnesses.api.collector import ApiCollector, settle_of
from witnesses.api.reading import read_apis
from witnesses.figure import Direction, Figure, Reason
from witnesses.model import Moment

_REQUEST = {"get": "/usage", "pick": "units"}


def test_what_settles_first_is_asked_first_and_each_when_it_has_settled(tmp_path: Path) -> None:
    with metered("lago", tmp_path, request={"settle": "40s"}) as usage:
        quick = counted("quick", by=["kind"], api={"lago": {
            "get": "/api/v1/customers/{{ tenant }}/current_usage?external_subscription_id=acme",
            "pick": "customer_usage.charges_usage[].{kind: billable_metric.code, value: units}",
            "settle": "10s"}})  # fmt: skip
        collector = ApiCollector(
            {"lago": usage.settings}, Network(), [usage.quantity, quick], has_new_tenant=True,
            patience=usage.collector._patience,
        )  # fmt: skip
        collector.collect(Moment.BEFORE, usage.folder)
        usage.use()
        collector.collect(Moment.AFTER, usage.folder)
        assert usage.clock.sleeps == [10.0, 30.0]
        assert collector.settle_s == {"lago": 40.0}
        assert usage.reading.figures(quick).at(("tea",)) == Figure.exact(float(TEA))


def test_it_settles_from_the_last_response_and_not_from_when_others_have_been_asked(
    tmp_path: Path,
) -> None:
    with metered("lago", tmp_path) as usage:
        usage.ask(Moment.BEFORE)
        usage.collector.begin_settling()
        usage.clock.sleep(12.0)
        usage.ask(Moment.AFTER)
        assert usage.clock.sleeps == [12.0, usage.settle_s - 12.0]


def test_by_default_it_settles_as_long_as_its_quantity() -> None:
    for keys, settle_s in (({}, 7.0), ({"settle": "1s"}, 1.0)):
        quantity = counted(settle="7s", api={"usage": {**_REQUEST, **keys}})
        (request,) = (quantity.settings.api or {}).values()
        assert settle_of(quantity, request) == settle_s


def test_an_earlier_run_that_is_still_arriving_leaves_an_upper_bound_only(tmp_path: Path) -> None:
    with metered("lago", tmp_path, has_new_tenant=False) as usage:
        usage.use(tea=5, lag_s=10)
        usage.ask(Moment.BEFORE)
        usage.use()
        usage.ask(Moment.AFTER)
        assert usage.clock.sleeps == [usage.settle_s, usage.settle_s]
        figure = usage.figure()
        assert (figure.direction, figure.reason) == (Direction.AT_MOST, Reason.MOVED_BEFORE)
        assert figure.high == TEA


def test_a_tenant_that_had_settled_before_is_counted_exactly(tmp_path: Path) -> None:
    with metered("lago", tmp_path, has_new_tenant=False) as usage:
        usage.use(tea=5)
        usage.run()
        assert usage.figure() == Figure.exact(float(TEA))


def test_without_a_request_no_file_is_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    collector = ApiCollector({}, Network(), [counted(prometheus="a_total")], has_new_tenant=True)
    for moment in Moment:
        collector.collect(moment, folder)
    assert not folder.witnesses.exists()


def test_an_api_that_the_environment_does_not_name_is_void(tmp_path: Path) -> None:
    folder, quantity = RunFolder(tmp_path / "run"), counted(api={"usage": _REQUEST})
    collector = ApiCollector({}, Network(), [quantity], has_new_tenant=True)
    for moment in Moment:
        collector.collect(moment, folder)
    (reading,) = read_apis(folder, ["usage"])
    reason = "the environment has no API 'usage'"
    assert reading.figures(quantity).at(()) == Figure.void(Reason.API_DOWN, reason)


@pytest.mark.parametrize("is_error", [False, True])
def test_no_secret_is_kept_though_the_response_repeats_it(tmp_path: Path, is_error: bool) -> None:
    with metered("lago", tmp_path, settings={"auth": {"bearer": "hunter2hunter2"}}) as usage:
        usage.folder.secrets.learn("hunter2hunter2")
        answer = {"message": "no hunter2hunter2"} if is_error else {
            "customer_usage": {"from_datetime": "2022-07-01", "charges_usage": [
                {"billable_metric": {"code": "hunter2hunter2"}, "units": 1}]}}  # fmt: skip
        usage.api.instead.append(lambda _: (400 if is_error else 200, answer, {}))
        usage.run()
        kept = [path.read_text() for path in (usage.folder.witnesses / "api").iterdir()]
    assert len(kept) == 2
    assert not any("hunter2" in text for text in kept)


def test_the_evidence_says_how_long_a_busy_api_was_waited_for(tmp_path: Path) -> None:
    with metered("lago", tmp_path) as usage:
        usage.api.once(429, "", Retry_After="3")
        usage.ask(Moment.BEFORE)
    content = json.loads((usage.folder.witnesses / "api" / "before.json").read_text())
    assert content["results"]["calls"]["lago"]["waited_s"] == 3.0
