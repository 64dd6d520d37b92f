"""Simulated runs: an exact figure is the truth, a lower bound never more, a clean run exact."""

from collections import Counter
from collections.abc import Set
from enum import Enum
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.patience import HANGS_S
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.prometheus.simulated_targets import (
    BEGIN,
    STATUSES,
    Attempt,
    Clock,
    Count,
    Life,
    Replica,
    World,
)
from witnesses.figure import Direction, Reason, sum_by_labels
from witnesses.prometheus.increase import GRACE_S

_USES = uses_by_kind()
_SHARED = uses_by_kind(shared=True, is_exclusive=False)
_MANY, _FEW = 20_000, 120
_KEYS = ("tea", "coffee")
_OLD = BEGIN - 500
_SOONER = 5  # scrapes before the first request that are simulated

# A moment is (scrapes since the first request, part of an interval), off the scrapes' own grid.
_tenths = st.integers(0, 9)
_rarely = st.integers(0, 5).map(lambda n: n == 5)


class Fault(Enum):
    """What can go wrong with one target."""

    ADDED = "it is scraped only from some moment"
    GONE = "it is scraped only until some moment"
    OUTAGE = "its scrapes fail for a while"
    SLOW = "its scrapes take long"
    RESTART = "its process is replaced, once or twice"
    FOREIGN = "others count on it before the first request"
    LATE = "it counts after the last answer"


_FAULTS: st.SearchStrategy[Set[Fault]] = st.one_of(
    st.just(frozenset()),
    st.sampled_from(
        [
            frozenset({Fault.RESTART, Fault.ADDED}),
            frozenset({Fault.RESTART, Fault.OUTAGE}),
            frozenset({Fault.FOREIGN, Fault.ADDED}),
            frozenset({Fault.FOREIGN, Fault.OUTAGE}),
        ]
    ),
    st.frozensets(st.sampled_from(Fault), max_size=2),
)


@st.composite
def clean_worlds(draw: st.DrawFn) -> World:
    """Draw a run that goes well: every target watched, no restart, nobody else counting."""
    interval, fresh = draw(st.sampled_from([1.0, 5.0, 15.0])), draw(st.booleans())
    end = BEGIN + interval * draw(st.integers(1, 60)) / 10 + 0.0003
    read_at = end + interval * 7
    replicas = [
        draw(_clean_replica(number, interval, fresh, end))
        for number in range(draw(st.integers(1, 3)))
    ]
    return World(replicas, end, read_at, interval, fresh)


@st.composite
def _clean_replica(
    draw: st.DrawFn, number: int, interval: float, fresh: bool, end: float
) -> Replica:
    added = not fresh and draw(_rarely)
    eager = draw(st.booleans())
    started = _OLD if not fresh else BEGIN - 1.7 - draw(st.integers(0, 30))
    if added:
        started = BEGIN + 2.1 + (end - BEGIN) * draw(_tenths) / 10
    clock = draw(st.sampled_from([Clock.TICKS, Clock.SECONDS] if added else list(Clock)))
    attempts = draw(_attempts(interval, end + 7 * interval, frozenset()))
    # A process that is scraped in the second of its start and shows whole seconds is in doubt.
    since = (started if fresh or added else -1e9) + (1.0 if clock is Clock.SECONDS else 0.0)
    before = [] if fresh or added else draw(_counts(BEGIN - 500, BEGIN - 5 * interval, 2))
    during = draw(_counts(max(BEGIN, started), end, 6))
    late = draw(_counts(max(end, started), end + interval, 2))
    return Replica(
        number,
        clock,
        [Life(started, eager=eager)],
        [*before, *during, *late],
        [each for each in attempts if each.at > since],
    )


@st.composite
def _counts(draw: st.DrawFn, since: float, until: float, most: int) -> list[Count]:
    """Draw counts between two moments, each as one number, which is quicker."""
    length = max(until - since, 0.0)
    drawn = draw(st.lists(st.integers(0, 50 * 4 * 5 - 1), max_size=most))
    return [
        Count(
            since + 0.0001 + length * (number // 20) / 50,
            _KEYS[number % 2],
            number // 4 % 5 + 1,
            STATUSES[number // 2 % 2],
        )
        for number in drawn
    ]


@st.composite
def _attempts(draw: st.DrawFn, interval: float, until: float, faults: Set[Fault]) -> list[Attempt]:
    """Draw a target's scrapes: some begin late, some or all are answered slowly, some fail."""
    offset = draw(_tenths) / 10 + 0.0137
    number = _SOONER + int((until - BEGIN) / interval) + 1
    odd = set(draw(st.lists(st.integers(0, 2 * number - 1), max_size=4)))
    failing = range(0)
    if Fault.OUTAGE in faults:
        first = draw(st.one_of(st.just(0), st.integers(0, number)))
        failing = range(first, first + draw(st.integers(1, 8)))
    slow = range(number, number * (1 + (Fault.SLOW not in faults)))
    return [
        Attempt(
            round(BEGIN + (offset + n - _SOONER + 0.5 * (n in odd)) * interval, 3),
            0.45 * interval if n + number in odd or n + number not in slow else 0.01,
            n not in failing,
        )
        for n in range(number)
    ]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a run in which anything may go wrong, and often does not."""
    interval, fresh = draw(st.sampled_from([1.0, 5.0])), draw(st.booleans())
    end = BEGIN + interval * draw(st.integers(1, 60)) / 10 + 0.0003
    read_at = end + interval * draw(st.sampled_from([7] * 12 + [4, 3, 2, 1, 0]))
    replicas = [
        draw(_replica(number, interval, fresh, end, read_at))
        for number in range(draw(st.sampled_from([1, 1, 2, 3])))
    ]
    return World(replicas, end, read_at, interval, fresh)


@st.composite
def _replica(
    draw: st.DrawFn, number: int, interval: float, fresh: bool, end: float, read_at: float
) -> Replica:
    faults = draw(_FAULTS)
    attempts = draw(_attempts(interval, read_at, faults))
    added_at = draw(_moments(interval, end)) if Fault.ADDED in faults else -1e9
    gone_at = draw(_moments(interval, end)) if Fault.GONE in faults else 1e9
    attempts = [each for each in attempts if added_at < each.at < gone_at]
    lives = draw(_lives(interval, fresh, end, faults))
    if not fresh and attempts and attempts[0].at > BEGIN:
        # What lived and died before the first scrape leaves no trace.
        lives = [each for each in lives if each.died > attempts[0].at]
    around = [
        count
        for each in lives[:-1]
        for count in draw(_counts(each.died - interval, each.died + interval, 4))
    ]
    foreign = _counts(BEGIN - 4 * interval, BEGIN, 4)
    late = _counts(end, end + 3 * interval, 3)
    counts = [
        *around,
        *(draw(foreign) if Fault.FOREIGN in faults else []),
        *draw(_counts(BEGIN, end, 5)),
        *(draw(late) if Fault.LATE in faults else []),
    ]
    return Replica(number, draw(st.sampled_from(Clock)), lives, counts, attempts)


@st.composite
def _lives(
    draw: st.DrawFn, interval: float, fresh: bool, end: float, faults: Set[Fault]
) -> list[Life]:
    """Draw a target's processes, one after the other; the first may begin during the run."""
    started = BEGIN - 0.2 - draw(st.integers(0, 100)) / 10 if fresh else _OLD
    if not fresh and draw(_rarely):
        started = draw(_moments(interval, end))
    lives = []
    earliest = BEGIN - (0 if fresh else 2 * interval)
    restarts = st.lists(st.one_of(st.integers(0, 6), st.integers(0, 60)), min_size=1, max_size=2)
    for after in draw(restarts) if Fault.RESTART in faults else []:
        died = max(earliest, started) + interval * after / 10 + 0.001
        lives.append(Life(started, died, draw(st.booleans())))
        started = died + draw(st.sampled_from([0.002, 0.3, 1.5]))
    return [*lives, Life(started, eager=draw(st.booleans()))]


def _moments(interval: float, end: float) -> st.SearchStrategy[float]:
    """A moment in the run, or up to three scrapes before it."""
    length = end - BEGIN
    return st.integers(-12, 12).map(
        lambda n: BEGIN + (interval * n / 4 if n < 0 else length * n / 10) + 0.0005
    )


_cuts = st.lists(st.tuples(st.integers(0, 400), st.sampled_from([-0.001, 0.0, 0.3])), max_size=3)
_overlaps_s = st.sampled_from([0.0, 0.5, 7.0])


def _try(
    world: World, windows: tuple[list[float], float], folder: Path, tally: Counter[str]
) -> None:
    """Hold every figure of a history, read window by window, against the truth."""
    note(f"{world}, windows end at {windows[0]} and overlap by {windows[1]}")
    figures = world.read(folder, *windows).figures(_USES)
    tally["histories"] += 1
    for key in _KEYS:
        figure, truth = figures.at((key,)), world.truth(key)
        tally["figures"] += 1
        tally[figure.direction] += 1
        tally[figure.reason or "no reason"] += 1
        note(f"{key}: {figure}, truth {truth}")
        if figure.low is not None:
            assert figure.low <= truth
        if figure.high is not None and not world.is_undecidable():
            assert figure.high >= (world.truth_at_rest(key) or 0.0)
        if figure.is_exact and not world.is_undecidable():
            assert figure.value == world.truth_at_rest(key)


def _ends(world: World, cuts: list[tuple[int, float]]) -> list[float]:
    """Return where windows end: just before a scrape, at its very stamp, or after it."""
    stamps = world.stamps()
    return sorted({stamps[number % len(stamps)] + beside for number, beside in cuts if stamps})


def _tried_on(worlds: st.SearchStrategy[World], examples: int, folder: Path) -> Counter[str]:
    """Try this many histories; return how many figures there were by direction and reason."""
    tally: Counter[str] = Counter()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(worlds, _cuts, _overlaps_s)
    def try_one(world: World, cuts: list[tuple[int, float]], overlap_s: float) -> None:
        _try(world, (_ends(world, cuts), overlap_s), folder, tally)

    try_one()
    print(f"histories: {tally}")
    assert tally["histories"] >= examples
    return tally


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(_FEW, id="few"),
        pytest.param(_MANY, id="many", marks=[pytest.mark.long, pytest.mark.timeout(HANGS_S)]),
    ],
)
def test_an_exact_figure_is_the_truth_and_a_bound_is_on_its_side_of_it(
    examples: int, tmp_path: Path
) -> None:
    tally = _tried_on(worlds(), examples, tmp_path)
    assert tally[Direction.EXACT] > 0.25 * tally["figures"]


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(_FEW // 4, id="few"),
        pytest.param(_MANY // 4, id="many", marks=[pytest.mark.long, pytest.mark.timeout(HANGS_S)]),
    ],
)
def test_a_clean_history_is_always_exact(examples: int, tmp_path: Path) -> None:
    tally = _tried_on(clean_worlds(), examples, tmp_path)
    assert tally[Direction.EXACT] == tally["figures"] == len(_KEYS) * tally["histories"]


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(_FEW // 8, id="few"),
        pytest.param(_MANY // 4, id="many", marks=[pytest.mark.long, pytest.mark.timeout(HANGS_S)]),
    ],
)
def test_a_history_has_the_same_figures_in_one_piece_and_in_windows(
    examples: int, tmp_path: Path
) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(worlds(), _cuts, _overlaps_s)
    def try_one(world: World, cuts: list[tuple[int, float]], overlap_s: float) -> None:
        whole = world.read(tmp_path)
        figures, grown = whole.figures(_USES), whole.growths(_USES, ["kind"])
        in_windows = world.read(tmp_path, _ends(world, cuts), overlap_s)
        assert in_windows.figures(_USES) == figures
        assert in_windows.growths(_USES, ["kind"]) == grown
        tea = {labels: growth for labels, growth in grown.items() if labels == ("tea",)}
        assert in_windows.growths(_USES, ["kind"], [("tea",)]) == tea

    try_one()


@settings(suppress_health_check=list(HealthCheck))
@given(worlds())
def test_a_scrape_log_of_which_little_is_kept_gives_the_figures_of_the_whole(
    tmp_path: Path, world: World
) -> None:
    figures = world.read(tmp_path).figures(_USES).by_labels
    for labels, figure in sum_by_labels(((key,), each) for key, each in world.increases()).items():
        assert figures[labels].value == figure.value
        assert figures[labels].late == figure.late
        if len(world.replicas) == 1:
            assert figures[labels].reason is figure.reason


@settings(suppress_health_check=list(HealthCheck))
@given(clean_worlds())
def test_what_was_counted_after_the_grace_is_late(tmp_path: Path, world: World) -> None:
    figures = world.read(tmp_path).figures(_USES)
    for key in _KEYS:
        assert figures.at((key,)).late == world.truth_late(key, GRACE_S)


@settings(suppress_health_check=list(HealthCheck))
@given(worlds())
def test_where_others_count_the_increase_is_at_least_ours_and_at_most_all(
    tmp_path: Path, world: World
) -> None:
    figures = world.read(tmp_path).figures(_SHARED)
    for key in _KEYS:
        figure = figures.at((key,))
        if figure.value is not None and figure.is_exact and not world.is_undecidable():
            assert figure.value >= world.truth_within(key, BEGIN, world.end)
            assert figure.value <= world.truth_within(key, -1e9, 1e9)


def test_where_others_count_all_the_time_the_increase_is_that_of_all(tmp_path: Path) -> None:
    attempts = [Attempt(BEGIN + at + 0.5, 0.01) for at in range(-4, 9)]
    counts = [Count(BEGIN + at / 3, "tea", 1) for at in range(-12, 27)]
    replica = Replica(0, Clock.TICKS, [Life(BEGIN - 100, eager=True)], counts, attempts)
    world = World([replica], BEGIN + 4.0, BEGIN + 8.6, 1.0, fresh=False)
    reading = world.read(tmp_path)
    moving = reading.figures(_USES).at(("tea",))
    assert moving.reason is Reason.MOVED_BEFORE
    figure = reading.figures(_SHARED).at(("tea",))
    assert figure.is_exact
    assert figure.value == world.truth_within("tea", BEGIN - 0.49, 1e9) > 12
