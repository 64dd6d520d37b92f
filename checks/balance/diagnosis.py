"""Decide whether the witnesses of one count agree, and if not, what that means.

All intervals that were reported, the client's included, must have a value in common:

    client    ├──────┤            confirmed to confirmed + in doubt
    service      ●                exact
    database  ●                   exact: below the client's interval, so records were lost
    counter        ●━━━━▶         at least: contradicts only what lies below it

Only figures that are exact, or a bound on the right side, contradict anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from checks.result import ClientFigure, Code
from checks.verdict import Verdict
from witnesses.figure import WEIGHTIEST_FIRST, Amount, Direction, Figure, Reason
from witnesses.model import RecordKind

# The code of a row that is inconclusive for a reason.
CODE_OF_REASON: Mapping[Reason, Code] = {
    Reason.SEVERAL_PROCESSES: Code.SPLIT_COUNTER,
    Reason.SHARED_TARGET: Code.SCRAPE_GAP,
    Reason.BEYOND_PRECISION: Code.WITNESS_DOWN,
    Reason.FEW_DIGITS: Code.WITNESS_DOWN,
    Reason.CLOCK_SET: Code.WITNESS_DOWN,
    Reason.PROCESS_RESTARTED: Code.COUNTER_RESET,
    Reason.PERHAPS_RESTARTED: Code.COUNTER_RESET,
    Reason.RESTART_UNSEEN: Code.COUNTER_RESET,
    Reason.REPLICA_GONE: Code.COUNTER_RESET,
    Reason.REPLICA_UNSEEN: Code.SCRAPE_GAP,
    Reason.DELTA_TEMPORALITY: Code.WITNESS_DOWN,
    Reason.COUNTER_FELL: Code.COUNTER_RESET,
    Reason.OTHER_TRAFFIC: Code.FOREIGN_TRAFFIC,
    Reason.OTHER_TARGETS: Code.FOREIGN_TRAFFIC,
    Reason.SEVERAL_SERVICES: Code.FOREIGN_TRAFFIC,
    Reason.SELF_COUNTING: Code.FOREIGN_TRAFFIC,
    Reason.STALE_BEFORE: Code.SCRAPE_GAP,
    Reason.STALE_AFTER: Code.SCRAPE_GAP,
    Reason.STILL_MOVING: Code.LATE,
    Reason.MOVED_BEFORE: Code.FOREIGN_TRAFFIC,
    Reason.MOVED_AFTER: Code.FOREIGN_TRAFFIC,
    Reason.NOT_STEADY_BEFORE: Code.SCRAPE_GAP,
    Reason.NOT_SETTLED: Code.SCRAPE_GAP,
    Reason.NOT_SCRAPED_BEFORE: Code.SCRAPE_GAP,
    Reason.NOT_SCRAPED_BEFORE_START: Code.SCRAPE_GAP,
    Reason.NOT_SCRAPED_AFTER: Code.SCRAPE_GAP,
    Reason.NOT_PUSHED_BEFORE: Code.SCRAPE_GAP,
    Reason.NOT_PUSHED_AFTER: Code.SCRAPE_GAP,
    Reason.SCRAPES_UNKNOWN: Code.SCRAPE_GAP,
    Reason.REPLICAS_NOT_SCRAPED: Code.SCRAPE_GAP,
    Reason.REPLICAS_NOT_NAMED: Code.SCRAPE_GAP,
    Reason.NO_TARGET: Code.WITNESS_DOWN,
    Reason.EMPTY_EXPOSITION: Code.WITNESS_DOWN,
    Reason.SCRAPE_FAILED: Code.WITNESS_DOWN,
    Reason.METRIC_ABSENT: Code.WITNESS_DOWN,
    Reason.SERIES_ABSENT: Code.WITNESS_DOWN,
    Reason.LABEL_ABSENT: Code.WITNESS_DOWN,
    Reason.MATCHES_IN_PART: Code.WITNESS_DOWN,
    Reason.PROMETHEUS_DOWN: Code.WITNESS_DOWN,
    Reason.DATABASE_DOWN: Code.WITNESS_DOWN,
    Reason.API_DOWN: Code.WITNESS_DOWN,
    Reason.API_REFUSED: Code.WITNESS_DOWN,
    Reason.USAGE_INCOMPLETE: Code.WITNESS_DOWN,
    Reason.USAGE_INVALID: Code.WITNESS_DOWN,
    Reason.PERIOD_BEGAN: Code.WITNESS_DOWN,
    Reason.USAGE_FELL: Code.WITNESS_DOWN,
    Reason.ROWS_REMOVED: Code.WITNESS_DOWN,
    Reason.QUERY_RESULT_INVALID: Code.WITNESS_DOWN,
    Reason.NOT_COLLECTED: Code.WITNESS_DOWN,
}

# What bounds of one kind of witness show: less than was done, and more.
_CODES_OF_BOUNDS: Mapping[RecordKind, tuple[Code, Code]] = {
    RecordKind.COUNTER: (Code.LOST_COUNT, Code.DOUBLE_COUNT),
    RecordKind.RECORDS: (Code.LOST_ROW, Code.EXTRA_ROW),
    RecordKind.EVENTS: (Code.LOST_EVENT, Code.DOUBLE_EVENT),
}

# After one of these the records decide what a counter can only bound. A restart that only may have
# been is not among them: what falls short may as well be lost.
_RESTARTS = (Reason.PROCESS_RESTARTED, Reason.PERHAPS_RESTARTED, Reason.REPLICA_GONE)


@dataclass(frozen=True)
class Statement:
    """What the client and the witnesses report of one count; `keeps` is by witness, too.

    `in_doubt_limit` is the share of it that may be in doubt where the rest agrees. `least` is how
    many witnesses must agree, the client among them, where the scenario demands a number.
    """

    client: ClientFigure
    figures: Mapping[str, Figure]
    keeps: Mapping[str, RecordKind]
    has_other_traffic: bool = False
    in_doubt_limit: float = 1.0
    least: int | None = None

    @property
    def low(self) -> Amount:
        """The least that must have been counted."""
        return self.client.confirmed

    @property
    def high(self) -> Amount:
        """The most that can have been counted."""
        return inf if self.has_other_traffic else self.client.most

    @property
    def exact(self) -> dict[str, Amount]:
        """The exact values, by witness."""
        return {
            name: figure.value
            for name, figure in self.figures.items()
            if figure.is_exact and figure.value is not None
        }

    @property
    def inexact(self) -> dict[str, Figure]:
        """The figures that are not exact, by witness."""
        return {name: figure for name, figure in self.figures.items() if not figure.is_exact}

    @property
    def beyond(self) -> dict[str, Amount]:
        """The lower bounds that are more than there can be."""
        most = min([self.high, *self.exact.values()])
        return {
            name: figure.low
            for name, figure in self.inexact.items()
            if figure.low is not None and figure.low > most
        }

    @property
    def short(self) -> dict[str, Amount]:
        """The upper bounds that are less than there must be."""
        least = max([self.low, *(() if self.has_other_traffic else self.exact.values())])
        return {
            name: figure.high
            for name, figure in self.inexact.items()
            if figure.high is not None and figure.high < least
        }

    @property
    def is_doubtful(self) -> bool:
        """Whether more is in doubt than may be: as many losses could hide in it.

        What the scenario itself leaves open after a hang-up may be.
        """
        client = self.client
        if client.is_unbounded:
            return self.in_doubt_limit < 1
        whole = client.confirmed + client.in_doubt
        doubtful = client.in_doubt - client.after_hang_up
        return float(doubtful) > self.in_doubt_limit * float(whole)

    @property
    def lacks_witnesses(self) -> bool:
        """Whether fewer witnesses than demanded have an exact figure, since the others have none.

        Without any beside the client, nothing was asked.
        """
        are_void = all(each.direction is Direction.VOID for each in self.inexact.values())
        is_short = self.least is not None and 1 + len(self.exact) < self.least
        return not self.figures or (is_short and (are_void or self.is_decided_by_records))

    @property
    def is_decided_by_records(self) -> bool:
        """Whether only restarts make figures inexact, and exact records stand beside them.

        That the process did not live through the run is a finding of its own.
        """
        restarted = all(
            figure.reason in _RESTARTS and figure.direction is Direction.AT_LEAST
            for figure in self.inexact.values()
        )
        return restarted and any(self.keeps[name] is not RecordKind.COUNTER for name in self.exact)

    @property
    def is_contradicted_exactly(self) -> bool:
        """Whether exact values lie outside of what the client leaves, or differ."""
        values = self.exact.values()
        outside = any(not self.low <= value <= self.high for value in values)
        return outside or (len(set(values)) > 1 and not self.has_other_traffic)


def diagnose(statement: Statement) -> tuple[Verdict, Code | None]:
    """Return the verdict of one count, and why the witnesses differ or cannot be compared."""
    if statement.is_contradicted_exactly or statement.beyond or statement.short:
        return Verdict.FAIL, _code_of_difference(statement)
    if statement.lacks_witnesses:
        return Verdict.INCONCLUSIVE, Code.FEW_WITNESSES
    if statement.inexact and not statement.is_decided_by_records:
        reasons = (figure.reason for figure in statement.inexact.values() if figure.reason)
        return Verdict.INCONCLUSIVE, CODE_OF_REASON[min(reasons, key=WEIGHTIEST_FIRST.index)]
    return _judge_agreeing(statement)


def _judge_agreeing(statement: Statement) -> tuple[Verdict, Code | None]:
    """Judge where all exact figures agree with the client, and records stand for the others."""
    exact = statement.exact
    if statement.has_other_traffic and any(each > statement.client.most for each in exact.values()):
        return Verdict.INCONCLUSIVE, Code.FOREIGN_TRAFFIC  # what others count could hide a loss
    if any(statement.figures[name].late for name in exact):
        return Verdict.FAIL, Code.LATE
    if statement.is_doubtful:
        return Verdict.INCONCLUSIVE, Code.IN_DOUBT
    if statement.inexact:
        return Verdict.PASS, Code.COUNTER_RESET
    return Verdict.PASS, Code.IN_DOUBT if statement.client.is_in_doubt else None


def _code_of_difference(statement: Statement) -> Code:
    if not statement.is_contradicted_exactly:
        bounds = statement.beyond or statement.short
        kinds = {statement.keeps[name] for name in bounds}
        lost, more = _CODES_OF_BOUNDS[kinds.pop() if len(kinds) == 1 else RecordKind.COUNTER]
        return more if statement.beyond else lost
    counters, records, events = (
        [value for name, value in statement.exact.items() if statement.keeps[name] is kind]
        for kind in RecordKind
    )
    if len(set(counters)) > 1:
        return Code.SCRAPE_GAP
    others = [*counters, *records]
    is_agreed = len(set(others)) <= 1 or statement.has_other_traffic
    if events and is_agreed and all(statement.low <= each <= statement.high for each in others):
        return _code_of_events(statement, events, others)
    if counters:
        odd = [stored for stored in records if stored != counters[0]]
        is_open = all(statement.low <= each <= statement.high for each in others)
        if is_open and 0 < len(odd) < len(records):
            return Code.LOST_ROW if min(odd) < counters[0] else Code.EXTRA_ROW
        return _code_of_counter(statement, counters[0], records or events)
    return _code_of_records(statement, records) if records else Code.MISMATCH


def _code_of_counter(statement: Statement, counted: Amount, records: list[Amount]) -> Code:
    low, high = statement.low, statement.high
    if not records:
        return Code.LOST_COUNT if counted < low else Code.DOUBLE_COUNT
    if all(stored == counted for stored in records):
        return Code.FOREIGN_TRAFFIC if counted > high else Code.NOT_DONE
    if all(low <= stored <= high for stored in records):
        return Code.LOST_COUNT if counted < min(records) else Code.DOUBLE_COUNT
    return _code_of_records(statement, records) if low <= counted <= high else Code.MISMATCH


def _code_of_events(statement: Statement, events: list[Amount], others: list[Amount]) -> Code:
    """Return the code of events that stand apart where counters and records agree."""
    known = [] if statement.has_other_traffic else others
    if any(each < max([statement.low, *known]) for each in events):
        return Code.LOST_EVENT
    is_more = any(each > min([statement.high, *known]) for each in events)
    return Code.DOUBLE_EVENT if is_more else Code.MISMATCH


def _code_of_records(statement: Statement, records: list[Amount]) -> Code:
    """Return the code of records that lie outside: of several stores, the first that does."""
    for stored in records:
        if not statement.low <= stored <= statement.high:
            return Code.LOST_ROW if stored < statement.low else Code.EXTRA_ROW
    return Code.MISMATCH
