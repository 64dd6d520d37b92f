"""The figures of a quantity whose metrics are pushed, from written evidence."""

from dataclasses import replace
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.witnesses.prometheus.pushed_evidence import (
    AFTER,
    ALL,
    BEFORE,
    BEGIN,
    DURING,
    END,
    EVERY_S,
    PushedRun,
    PushedSeries,
    orders,
)
from witnesses.figure import Direction, Figure, Reason
from witnesses.prometheus.reading import read_prometheus

GROWN = PushedSeries.grown(8, 8, 4)
OF_B = replace(PushedSeries.grown(2, 2, 1), instance="b")


def _figure(folder: Path, run: PushedRun, kind: str = "tea") -> Figure:
    return run.read(folder).figures(orders()).at((kind,))


@pytest.mark.parametrize("grown", [(8, 8, 4), (0, 0, 20), (20, 0, 0), (0, 0, 0), (8, 7, 4)])
def test_what_was_pushed_before_and_after_is_the_exact_increase(
    tmp_path: Path, grown: tuple[float, ...]
) -> None:
    assert _figure(tmp_path, PushedRun([PushedSeries.grown(*grown)])) == Figure.exact(sum(grown))


def test_the_increases_of_all_instances_are_added_up(tmp_path: Path) -> None:
    run = PushedRun([GROWN, OF_B], {"a": ALL, "b": ALL})
    assert _figure(tmp_path, run) == Figure.exact(25.0)


def test_a_kind_that_no_push_shows_was_not_counted(tmp_path: Path) -> None:
    assert _figure(tmp_path, PushedRun([GROWN]), "coffee") == Figure.exact(0.0)


@pytest.mark.parametrize(
    ("stamps", "reason"),
    [
        ((*BEFORE, *DURING), Reason.NOT_PUSHED_AFTER),
        ((*BEFORE, *DURING, AFTER[0]), Reason.NOT_PUSHED_AFTER),
        ((*BEFORE, *DURING, *AFTER[:2]), Reason.NOT_SETTLED),
    ],
    ids=["not yet exported", "perhaps exported before", "exported once"],
)
def test_an_export_that_was_not_made_yet_is_no_loss(
    tmp_path: Path, stamps: tuple[float, ...], reason: Reason
) -> None:
    """The counter had 20 more, and the last push that is shown has 12 of them."""
    late = PushedSeries({at: 5.0 if at < BEGIN else 17.0 for at in stamps})
    figure = _figure(tmp_path, PushedRun([late], {"a": stamps}))
    assert (figure.direction, figure.reason, figure.low) == (Direction.AT_LEAST, reason, 12.0)
    absent = _figure(tmp_path, PushedRun([late], {"a": stamps}), "coffee")
    assert absent.direction in (Direction.AT_LEAST, Direction.VOID)


def test_a_push_that_is_stamped_when_it_arrives_may_be_older_than_its_stamp(tmp_path: Path) -> None:
    """The first one after the last response was collected before it, and lacks the last counts."""
    values = {at: 25.0 if at > AFTER[0] else 21.0 if at == AFTER[0] else 5.0 for at in ALL}
    assert _figure(tmp_path, PushedRun([PushedSeries(values)])) == Figure.exact(20.0)


def test_what_is_counted_well_after_the_last_response_is_late(tmp_path: Path) -> None:
    stamps = (*ALL, 1_072.0, 1_082.0)
    values = {at: 5.0 if at < BEGIN else 21.0 if at <= AFTER[1] else 25.0 for at in stamps}
    run = PushedRun([PushedSeries(values)], {"a": stamps})
    assert _figure(tmp_path, run) == Figure.exact(20.0, late=4.0)


@pytest.mark.parametrize("zeros", [True, False], ids=["zeros", "gaps"])
@pytest.mark.parametrize("deltas", [(8, 8, 4), (3, 9, 8), (1, 19, 0)])
def test_delta_temporality_proves_nothing(
    tmp_path: Path, deltas: tuple[float, ...], *, zeros: bool
) -> None:
    """Each sample is what was counted since the last one: the counter seems to fall again."""
    idle = dict.fromkeys((*BEFORE, *AFTER), 0.0) if zeros else {}
    before = {BEFORE[0]: 4.0, BEFORE[1]: 7.0, BEFORE[2]: 2.0}
    run = PushedRun([PushedSeries({**idle, **before, **dict(zip(DURING, deltas, strict=True))})])
    figure = _figure(tmp_path, run)
    assert not figure.is_exact
    assert figure.high is None
    assert not figure.low


def test_a_delta_that_is_the_same_each_time_is_no_counter_at_rest(tmp_path: Path) -> None:
    """Idle exporters of deltas push nothing: it has no sample after the last response."""
    run = PushedRun([PushedSeries(dict.fromkeys((*BEFORE, *DURING), 8.0))])
    figure = _figure(tmp_path, run)
    assert (figure.direction, figure.reason) == (Direction.AT_LEAST, Reason.NOT_PUSHED_AFTER)


@pytest.mark.parametrize(
    "values",
    [
        {DURING[0]: 9.0, DURING[1]: 3.0, DURING[2]: 9.0, AFTER[0]: 4.0},
        {DURING[0]: 9.0, DURING[1]: 3.0, DURING[2]: 2.0},
    ],
    ids=["two processes that push one series", "deltas"],
)
def test_values_that_fall_again_and_again_are_named_as_deltas(
    tmp_path: Path, values: dict[float, float]
) -> None:
    run = PushedRun([PushedSeries({**dict.fromkeys(ALL, 5.0), **values})])
    assert _figure(tmp_path, run).reason is Reason.DELTA_TEMPORALITY
    assert _figure(tmp_path, run).direction is Direction.VOID


def test_one_fall_without_another_instance_proves_nothing_either(tmp_path: Path) -> None:
    values = {at: 5.0 if at < BEGIN else 7.0 if at == DURING[0] else 3.0 for at in ALL}
    figure = _figure(tmp_path, PushedRun([PushedSeries(values)]))
    assert (figure.direction, figure.reason) == (Direction.VOID, Reason.COUNTER_FELL)


def test_an_instance_that_another_one_replaces_was_restarted(tmp_path: Path) -> None:
    """What the first counted between its last push and its end is lost."""
    first, second = (*BEFORE, *DURING[:1]), (*DURING[1:], *AFTER)
    run = PushedRun(
        [GROWN.only(*first), PushedSeries({at: 3.0 if at == second[0] else 12.0 for at in second},
                                          instance="b")],
        {"a": first, "b": second},
    )  # fmt: skip
    figure = _figure(tmp_path, run)
    assert (figure.direction, figure.reason) == (Direction.AT_LEAST, Reason.PROCESS_RESTARTED)
    assert figure.low == 8.0 + 9.0


def test_what_two_writers_push_is_no_double_count(tmp_path: Path) -> None:
    """As two OpenTelemetry collectors do that both write what one process exports."""
    series = [replace(GROWN, writer=each) for each in ("0", "1")]
    figure = _figure(tmp_path, PushedRun(series))
    assert (figure.direction, figure.reason) == (Direction.VOID, Reason.SHARED_TARGET)
    assert "told apart by collector" in figure.detail


def test_an_instance_that_stops_is_not_waited_for_and_leaves_a_lower_bound(tmp_path: Path) -> None:
    run = PushedRun([GROWN, OF_B.only(*BEFORE, DURING[0])], {"a": ALL, "b": (*BEFORE, DURING[0])})
    figure = _figure(tmp_path, run)
    assert (figure.low, figure.high, figure.reason) == (22.0, None, Reason.NOT_PUSHED_AFTER)


def test_a_further_instance_may_have_counted_before_it_pushed_or_not(tmp_path: Path) -> None:
    since = (*DURING[1:], *AFTER)
    further = PushedSeries({at: 3.0 if at == since[0] else 12.0 for at in since}, instance="b")
    figure = _figure(tmp_path, PushedRun([GROWN, further], {"a": ALL, "b": since}))
    assert (figure.low, figure.high) == (29.0, 32.0)
    assert figure.reason is Reason.NOT_PUSHED_BEFORE


def test_a_further_instance_that_shows_when_it_started_began_at_zero(tmp_path: Path) -> None:
    since = (*DURING[1:], *AFTER)
    further = PushedSeries({at: 3.0 if at == since[0] else 12.0 for at in since}, instance="b")
    run = PushedRun([GROWN, further], {"a": ALL, "b": since}, start_times={"b": BEGIN + 8})
    assert _figure(tmp_path, run) == Figure.exact(32.0)


def test_a_series_that_its_instance_did_not_push_before_began_at_zero(tmp_path: Path) -> None:
    since = (*DURING[1:], *AFTER)
    new = PushedSeries({at: 3.0 if at == since[0] else 12.0 for at in since})
    assert _figure(tmp_path, PushedRun([new])) == Figure.exact(12.0)


@pytest.mark.parametrize("first", [0.0, 1_000.0])
def test_an_exporter_that_pushes_changes_only_may_have_counted_hours_ago(
    tmp_path: Path, first: float
) -> None:
    """Its series is older than the run, and no push of late shows where it stood."""
    since = (*DURING, *AFTER)
    changed = PushedSeries({at: first + (3.0 if at == since[0] else 20.0) for at in since})
    figure = _figure(tmp_path, PushedRun([changed], shown_before=["tea"]))
    assert (figure.low, figure.high) == (17.0, first + 20.0)
    assert figure.reason is Reason.NOT_PUSHED_BEFORE


def test_a_series_that_is_pushed_no_more_while_its_instance_is_proves_no_loss(
    tmp_path: Path,
) -> None:
    run = PushedRun([GROWN.only(*BEFORE, *DURING)])
    figure = _figure(tmp_path, run)
    assert (figure.low, figure.high, figure.reason) == (20.0, None, Reason.NOT_PUSHED_AFTER)


def test_samples_that_the_backend_refused_in_between_take_nothing_away(tmp_path: Path) -> None:
    """As where they came out of order: the next one has what they had."""
    run = PushedRun([GROWN.only(*BEFORE, DURING[1], *AFTER[1:])])
    assert _figure(tmp_path, run) == Figure.exact(20.0)


@pytest.mark.parametrize("behind_s", [15.0, 35.0])
def test_an_exporter_whose_clock_is_behind_has_its_baseline_by_what_was_shown(
    tmp_path: Path, behind_s: float
) -> None:
    """Pushes of during the run are stamped before it."""
    stamps = [at - behind_s for at in (*ALL, *(1_072.0 + 10 * each for each in range(5)))]
    later = dict.fromkeys(stamps, 25.0)
    values = {**later, **GROWN.shifted(-behind_s).values}
    run = PushedRun([PushedSeries(values)], {"a": stamps}, ahead_s=-behind_s)
    assert _figure(tmp_path, run) == Figure.exact(20.0)


def test_an_exporter_whose_clock_is_ahead_is_waited_for_that_much_longer(tmp_path: Path) -> None:
    """By its clock it pushed after the last response; in truth, it lacks the last counts."""
    ahead_s = 45.0
    stamps = [at + ahead_s for at in (*BEFORE, *DURING)]
    values = {at + ahead_s: 5.0 if at < BEGIN else 17.0 for at in (*BEFORE, *DURING)}
    run = PushedRun([PushedSeries(values)], {"a": stamps}, ahead_s=ahead_s)
    figure = _figure(tmp_path, run)
    assert sum(at > END + EVERY_S for at in stamps) >= 2
    assert (figure.low, figure.high, figure.reason) == (12.0, None, Reason.NOT_PUSHED_AFTER)


def test_an_instance_that_ended_before_the_run_counts_nothing(tmp_path: Path) -> None:
    of_b = PushedSeries({930.0: 7.0, 940.0: 9.0}, instance="b")
    run = PushedRun([GROWN, of_b], {"a": ALL, "b": (930.0, 940.0)})
    assert _figure(tmp_path, run) == Figure.exact(20.0)


def test_an_instance_that_was_cut_off_before_the_run_may_have_counted_meanwhile(
    tmp_path: Path,
) -> None:
    """Of 40 more since its last push before the run, some may be from before it."""
    since = (*DURING, *AFTER)
    values = {930.0: 5.0, 940.0: 5.0, **dict.fromkeys(since, 45.0)}
    run = PushedRun([PushedSeries(values)], {"a": (930.0, 940.0, *since)})
    figure = _figure(tmp_path, run)
    assert (figure.low, figure.high, figure.reason) == (0.0, 45.0, Reason.NOT_PUSHED_BEFORE)


def test_a_counter_that_moved_before_the_run_proves_no_more_than_a_scraped_one(
    tmp_path: Path,
) -> None:
    values = {at: 5.0 + max(0.0, at - BEFORE[1]) for at in ALL}
    figure = _figure(tmp_path, PushedRun([PushedSeries({**values, **dict.fromkeys(AFTER, 60.0)})]))
    assert figure.reason is Reason.MOVED_BEFORE


@pytest.mark.parametrize("is_tenant_new", [True, False])
def test_a_tenant_of_the_runs_own_cannot_have_been_counted_before(
    tmp_path: Path, *, is_tenant_new: bool
) -> None:
    """Its instance has not pushed before, as one that has just been deployed."""
    since = (*DURING, *AFTER)
    run = PushedRun([PushedSeries(dict.fromkeys(since, 20.0))], {"a": since},
                    is_tenant_new=is_tenant_new)  # fmt: skip
    quantity = orders('orders_total{tenant="{{ tenant }}"}')
    figure = run.read(tmp_path).figures(quantity).at(("tea",))
    expected = Figure.exact(20.0) if is_tenant_new else Figure(0.0, 20.0, Reason.NOT_PUSHED_BEFORE)
    assert figure == expected


def test_an_interval_that_is_not_declared_is_measured(tmp_path: Path) -> None:
    reading = PushedRun([GROWN], every_s=0.0).read(tmp_path)
    (pushes,) = reading.pushes.values()
    assert pushes.every_s == EVERY_S
    assert reading.figures(orders()).at(("tea",)) == Figure.exact(20.0)


def test_a_service_that_pushes_nothing_at_all_proves_nothing(tmp_path: Path) -> None:
    figure = _figure(tmp_path, PushedRun([], {}))
    assert (figure.direction, figure.reason) == (Direction.VOID, Reason.NO_TARGET)


def test_evidence_without_its_pushes_proves_nothing(tmp_path: Path) -> None:
    run = PushedRun([GROWN])
    run.read(tmp_path)
    next(tmp_path.rglob("pushes-shop.json")).write_text("{}")
    assert not read_prometheus(RunFolder(tmp_path)).figures(orders()).at(("tea",)).is_exact
