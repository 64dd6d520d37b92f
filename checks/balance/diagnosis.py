"""Do the witnesses of one count agree, and if not, who stands alone, and what does that mean?"""

from collections.abc import Mapping
from dataclasses import dataclass

from checks.result import ClientFigure, Code
from checks.verdict import Verdict
from checks.wording import listed
from witnesses.figure import Figure

_CLIENT, _SERVICE, _PROMETHEUS, _DATABASE = "client", "service", "prometheus", "database"

_MEANING = {
    Code.LOST_COUNT: "the counter missed what was done",
    Code.DOUBLE_COUNT: "the counter counted more than was done",
    Code.LOST_ROW: "what was done was not stored",
    Code.EXTRA_ROW: "more was stored than was done",
    Code.SCRAPE_GAP: "Prometheus differs from the service that it scrapes",
    Code.FOREIGN_TRAFFIC: "others' traffic, or a request delivered twice, is in the figures",
    Code.NOT_DONE: "it was answered as done, and no witness counted it",
    Code.MISMATCH: "the witnesses cannot be reconciled",
}


_RESTARTED = "process was restarted"

# What the remark on a figure tells of the reason, in the order of their weight.
_REASONS = (
    ("several processes", Code.SPLIT_COUNTER),
    (_RESTARTED, Code.COUNTER_RESET),
    ("went down", Code.COUNTER_RESET),
    ("others' traffic", Code.FOREIGN_TRAFFIC),
    ("moving", Code.LATE),
    ("scraped", Code.SCRAPE_GAP),
)


@dataclass(frozen=True)
class Statement:
    """What the client and the asked witnesses say of one count."""

    client: ClientFigure
    figures: Mapping[str, Figure]
    foreign: bool

    @property
    def low(self) -> int:
        """The least that must have been counted."""
        return self.client.confirmed

    @property
    def high(self) -> float:
        """The most that can have been counted."""
        return float("inf") if self.foreign else self.client.confirmed + self.client.in_doubt

    @property
    def exact(self) -> dict[str, float]:
        """The witnesses that know the whole figure, and their figures."""
        return {
            name: figure.value
            for name, figure in self.figures.items()
            if figure.value is not None and not figure.remark
        }


def diagnose(statement: Statement) -> tuple[Verdict, Code | None, str]:
    """Return the verdict, why the witnesses differ, and a sentence that says by how much."""
    if _contradicted(statement):
        code = _code(statement)
        return Verdict.FAIL, code, f"{_comparison(statement)}; {_MEANING[code]}."
    vague = {
        name: figure for name, figure in statement.figures.items() if name not in statement.exact
    }
    if vague or not statement.figures:
        return _open(statement, vague)
    if statement.foreign:
        return Verdict.PASS, Code.FOREIGN_TRAFFIC, _foreign(statement)
    if any(figure.late for figure in statement.figures.values()):
        return Verdict.FAIL, Code.LATE, _late(statement)
    if statement.client.in_doubt:
        return Verdict.PASS, Code.IN_DOUBT, _doubt(statement)
    return Verdict.PASS, None, ""


def _open(statement: Statement, vague: Mapping[str, Figure]) -> tuple[Verdict, Code | None, str]:
    """Judge where witnesses are not exact.

    After a restart the rows can still decide; or what was seen is enough, where others count, too.
    That the process did not live through the run is a finding of its own.
    """
    restarted = bool(vague) and all(
        figure.value is not None and _RESTARTED in figure.remark for figure in vague.values()
    )
    if restarted and statement.foreign and _reach_ours(statement, vague):
        return Verdict.PASS, Code.FOREIGN_TRAFFIC, f"{_vagueness(vague)} That is enough for ours."
    if restarted and _DATABASE in statement.exact:
        told = f"{_vagueness(vague)} The database decides: it agrees with the client."
        return Verdict.PASS, Code.COUNTER_RESET, told
    return Verdict.INCONCLUSIVE, _vague_code(vague), _vagueness(vague)


def _reach_ours(statement: Statement, vague: Mapping[str, Figure]) -> bool:
    return all((figure.value or 0.0) >= statement.low > 0 for figure in vague.values())


def _contradicted(statement: Statement) -> bool:
    """Tell whether no true figure can exist that fits all that was said."""
    return _disagree(statement) or bool(_beyond(statement))


def _disagree(statement: Statement) -> bool:
    """Tell whether exact figures lie outside what the client leaves, or differ."""
    values = statement.exact.values()
    outside = any(not statement.low <= value <= statement.high for value in values)
    return outside or (len(set(values)) > 1 and not statement.foreign)


def _beyond(statement: Statement) -> dict[str, float]:
    """Return the lower bounds that are already more than there can be."""
    most = min([statement.high, *statement.exact.values()])
    return {
        name: figure.value
        for name, figure in statement.figures.items()
        if figure.value is not None and figure.remark and figure.value > most
    }


def _code(statement: Statement) -> Code:
    exact = statement.exact
    counters = [exact[name] for name in (_SERVICE, _PROMETHEUS) if name in exact]
    stored = exact.get(_DATABASE)
    beyond = _beyond(statement)
    if beyond and not _disagree(statement):
        return Code.EXTRA_ROW if list(beyond) == [_DATABASE] else Code.DOUBLE_COUNT
    if len(set(counters)) > 1:
        return Code.SCRAPE_GAP
    if counters:
        return _counter_code(statement, counters[0], stored)
    return Code.MISMATCH if stored is None else _row_code(statement, stored)


def _counter_code(statement: Statement, counted: float, stored: float | None) -> Code:
    if stored is None:
        return Code.LOST_COUNT if counted < statement.low else Code.DOUBLE_COUNT
    if stored == counted:
        return Code.FOREIGN_TRAFFIC if counted > statement.high else Code.NOT_DONE
    if statement.low <= stored <= statement.high:
        return Code.LOST_COUNT if counted < stored else Code.DOUBLE_COUNT
    counted_right = statement.low <= counted <= statement.high
    return _row_code(statement, stored) if counted_right else Code.MISMATCH


def _row_code(statement: Statement, stored: float) -> Code:
    return Code.LOST_ROW if stored < statement.low else Code.EXTRA_ROW


def _comparison(statement: Statement) -> str:
    """Name those who agree with the client, and by how much each other stands apart."""
    agreeing = [name for name, value in statement.exact.items()
                if statement.low <= value <= statement.high]  # fmt: skip
    apart = {name: value for name, value in statement.exact.items() if name not in agreeing}
    values = {statement.exact[name] for name in agreeing}
    if len(values) > 1:
        told = ", ".join(f"{name} {statement.exact[name]:,.0f}" for name in agreeing)
        return f"The client leaves {_range(statement)}, but the witnesses differ: {told}"
    company = listed(["client", *agreeing])
    verb = "agree on" if agreeing else "says"
    beside = f"The {company} {verb} {_range(statement)}"
    least = [f"{name} has at least {value:,.0f}" for name, value in _beyond(statement).items()]
    return "; ".join([beside, *_distances(statement, apart), *least])


def _distances(statement: Statement, apart: Mapping[str, float]) -> list[str]:
    by_distance: dict[float, list[str]] = {}
    for name, value in apart.items():
        nearest = statement.low if value < statement.low else statement.high
        by_distance.setdefault(value - nearest, []).append(name)
    return [
        f"{listed(names)} {'stand' if len(names) > 1 else 'stands'} {abs(by):,.0f} "
        f"{'below' if by < 0 else 'above'}"
        for by, names in by_distance.items()
    ]


def _vague_code(vague: Mapping[str, Figure]) -> Code:
    remarks = " ".join(figure.remark for figure in vague.values())
    reason = next((code for words, code in _REASONS if words in remarks), None)
    if reason:
        return reason
    is_absent = any(figure.value is None for figure in vague.values())
    return Code.WITNESS_DOWN if is_absent else Code.SCRAPE_GAP


def _vagueness(vague: Mapping[str, Figure]) -> str:
    if not vague:
        return "No witness was asked."
    told = [
        f"{name}: no data, {figure.remark}" if figure.value is None
        else f"{name}: at least {figure.value:,.0f}, {figure.remark}"
        for name, figure in vague.items()
    ]  # fmt: skip
    return "; ".join(told) + "."


def _doubt(statement: Statement) -> str:
    return (
        f"{statement.client.in_doubt:,} in doubt: sent, but no answer says whether it was done; "
        f"the witnesses agree within {_range(statement)}."
    )


def _late(statement: Statement) -> str:
    told = [f"{figure.late:,.0f} of it in {name}"
            for name, figure in statement.figures.items() if figure.late]  # fmt: skip
    return (f"All of {_range(statement)} was counted, but {listed(told)} only well after the last "
            "answer: who reads sooner reads too little.")  # fmt: skip


def _foreign(statement: Statement) -> str:
    most = max(statement.exact.values())
    return f"A lower bound: others may send traffic here; {most - statement.low:,.0f} not ours."


def _range(statement: Statement) -> str:
    if statement.foreign:
        return f"at least {statement.low:,}"
    high = statement.client.confirmed + statement.client.in_doubt
    return f"{statement.low:,}" if high == statement.low else f"{statement.low:,} to {high:,}"
