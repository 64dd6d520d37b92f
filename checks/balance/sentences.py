"""Put a row of the balance into words: the only place where its figures become sentences.

Everything is computed from the row's typed figures, reasons and notes; nothing decides by it.
"""

from collections.abc import Iterable, Mapping
from math import inf

from checks.balance.reason_words import reason_words
from checks.result import ClientFigure, Code, Misplaced, RecordGap, RelationRow, UsageRow
from checks.verdict import Verdict
from checks.wording import amount_words, listed
from witnesses.figure import Amount, Direction, Figure, size_of
from witnesses.prometheus.reading import NAME as PROMETHEUS
from witnesses.service.reading import NAME as SERVICE

_CLIENT = "client"

_MEANING = {
    Code.LOST_COUNT: "the counter missed what was done",
    Code.DOUBLE_COUNT: "the counter counted more than was done",
    Code.LOST_ROW: "what was done was not stored",
    Code.EXTRA_ROW: "more was stored than was done",
    Code.LOST_EVENT: "what was done is missing in the usage API: an event was lost, or not taken",
    Code.DOUBLE_EVENT: "the usage API has more than was done: an event was taken twice",
    Code.AFTER_HANG_UP: "more was counted than the client took before it hung up",
    Code.COUNTED_THOUGH_REJECTED: "a request that was rejected was counted all the same",
    Code.SCRAPE_GAP: "Prometheus differs from the service that it scrapes",
    Code.FOREIGN_TRAFFIC: "other traffic, or a request that was delivered twice, is in the figures",
    Code.NOT_DONE: "the response reported it as done, and no witness counted it",
    Code.MISMATCH: "the witnesses cannot be reconciled",
}

# Without a record of what was done, a counter that differs leaves open what happened.
_MEANING_WITHOUT_RECORDS = {
    Code.LOST_COUNT: "the counter moved by less than the client did; no record shows whether all "
    "of it was done",
    Code.DOUBLE_COUNT: "the counter moved by more than the client did; no record shows whether "
    "some of it was done twice",
}

_OF_RECORDS = (Code.LOST_ROW, Code.EXTRA_ROW)


def row_sentences(row: UsageRow) -> list[str]:
    """Return what there is to say of a row, the most important first; [] where all agree."""
    sentences = [*filter(None, [_verdict_sentence(row)])]
    if row.misplaced:
        sentences = _with_misplaced(sentences, row, row.misplaced)
    if row.resolved:
        done, not_done = row.resolved.done, row.resolved.not_done
        most = f" of at most {_amount(row, done + not_done)}" if not_done else ""
        sentences.append(f"Requests in doubt counted {_amount(row, done)}{most}, as the "
                         "database's trace ids show.")  # fmt: skip
    gap = row.records or RecordGap()
    first = f": {_first(gap)}" if gap.first_missing_at else ""
    for number, few in ((gap.missing, f"few rows{first}"), (gap.surplus, "many rows")):
        if number:
            have = "request has" if number == 1 else "requests have"
            sentences.append(f"{number:,} {have} too {few}.")
    if gap.rejected:
        sentences.append(f"{_requests(gap.rejected)} rejected and stored all the same.")
    if row.rejections and row.records is None:
        sentences.append(f"{_requests(row.rejections)} rejected: what one of them counted all the "
                         "same looks like this. With traces: of the quantity, its requests are "
                         "named.")  # fmt: skip
    if row.hang_ups and row.records is None:
        times = "once" if row.hang_ups == 1 else f"{row.hang_ups:,} times"
        sentences.append(f"The client hung up {times}: what is counted on after that looks like "
                         "this. With traces: of the quantity, its requests are named.")  # fmt: skip
    return sentences


def _first(gap: RecordGap) -> str:
    """As in `the first was sent at 17:50:00 UTC`."""
    which = "it" if gap.missing == 1 else "the first"
    return f"{which} was sent at {gap.first_missing_at:%H:%M:%S} UTC"


def _requests(number: int) -> str:
    return "1 request was" if number == 1 else f"{number:,} requests were"


def relation_sentences(row: RelationRow) -> list[str]:
    """Return why a relation does not hold or is open; [] where it holds."""
    if not row.sums:
        return ["No witness keeps all of them."]
    reasons = {
        Verdict.FAIL: "the sums over all labels differ",
        Verdict.INCONCLUSIVE: "not every sum is exact",
    }
    names = {verdict: [name for name, sums in row.sums.items() if sums.verdict is verdict]
             for verdict in reasons}  # fmt: skip
    return [f"{listed(names[verdict])}: {reason}."
            for verdict, reason in reasons.items() if names[verdict]]  # fmt: skip


def _verdict_sentence(row: UsageRow) -> str:
    """Return why a row has its verdict; "" where all agree."""
    if row.verdict is Verdict.FAIL:
        return _failure_sentence(row)
    if row.client.is_partial:
        return "Exchanges of a worker are missing, so the client's figure is a lower bound only."
    if row.code is Code.NOTHING_COUNTED:
        return "No request that counts it was answered as expected, and nothing was counted."
    if row.code is Code.FEW_WITNESSES:
        return _few_witnesses_sentence(row)
    return _open_sentence(row) if row.verdict is Verdict.INCONCLUSIVE else _agreement_sentence(row)


def _failure_sentence(row: UsageRow) -> str:
    low, high = row.client.confirmed, row.client.most
    if row.code is Code.LATE:
        late = [f"{_amount(row, each.late)} of it in {name}" for name, each in row.figures.items()
                if each.late]  # fmt: skip
        return (f"All of {_client_range(row)} was counted, but {listed(late)} only well after the "
                "last response: it was counted late, or the page is stale. A reader before that "
                "reads too little.")  # fmt: skip
    values = [figure.value for figure in row.figures.values()]
    is_within = all(value is not None and low <= value <= high for value in values)
    if row.records and row.code in _OF_RECORDS and is_within:
        return "The totals agree, but not request by request."
    return "; ".join(filter(None, [_comparison(row), _meaning(row)])) + "."


def _open_sentence(row: UsageRow) -> str:
    inexact = _inexact(row)
    most = max((each.value or 0 for each in row.figures.values() if each.is_exact), default=0)
    if row.code is Code.FOREIGN_TRAFFIC and most > row.client.most:
        return (f"{_amount(row, most - row.client.most)} more than ours: others send traffic "
                "here, which could hide a loss.")  # fmt: skip
    if row.code is Code.IN_DOUBT and row.client.is_unbounded:
        return ("A request is in doubt that may have counted any amount: sent, but no response "
                "shows whether it was done, nor how much it was. Give the step at_most, or the "
                "quantity traces.")  # fmt: skip
    if row.code is Code.IN_DOUBT:
        whole = _amount(row, row.client.confirmed + row.client.in_doubt)
        doubtful = _amount(row, row.client.in_doubt - row.client.after_hang_up)
        return (f"{doubtful} of {whole} in doubt: sent, but no response "
                "shows whether it was done. That could hide as many losses, and is more than the "
                "quantity's in_doubt allows.")  # fmt: skip
    return _inexact_sentence(inexact)


def _few_witnesses_sentence(row: UsageRow) -> str:
    if not row.figures:
        return ("No witness beside the client has it: the services show no metrics of their own, "
                "and no other witness was asked.")  # fmt: skip
    exact = [name for name, figure in row.figures.items() if figure.is_exact]
    return (f"It rests on {listed([_CLIENT, *exact])} alone, and at least {row.least_witnesses} "
            f"witnesses are demanded. {_inexact_sentence(_inexact(row))}")  # fmt: skip


def _agreement_sentence(row: UsageRow) -> str:
    if inexact := _inexact(row):
        exact = [name for name in row.figures if name not in inexact]
        decide = "decide: they agree" if len(exact) > 1 else "decides: it agrees"
        return f"{_inexact_sentence(inexact)} The {listed(exact)} {decide} with the client."
    if row.client.is_unbounded:
        return ("A request is in doubt that may have counted any amount, which could hide any "
                f"loss; the witnesses agree on {_client_range(row)}.")  # fmt: skip
    if row.client.in_doubt > row.client.after_hang_up:
        doubtful = row.client.in_doubt - row.client.after_hang_up
        return (f"{_amount(row, doubtful)} in doubt: sent, but no response shows "
                f"whether it was done; {_left_open(row)}the witnesses agree within "
                f"{_client_range(row)}, which could hide as many losses.")  # fmt: skip
    if row.client.in_doubt:
        return f"{_left_open(row)}the witnesses agree within {_client_range(row)}."
    return ""


def _left_open(row: UsageRow) -> str:
    if not row.client.after_hang_up:
        return ""
    open_ = _amount(row, row.client.after_hang_up)
    return f"{open_} counted or not after the client hung up, as the scenario leaves open; "


def _inexact(row: UsageRow) -> dict[str, Figure]:
    return {name: figure for name, figure in row.figures.items() if not figure.is_exact}


def _meaning(row: UsageRow) -> str | None:
    if row.code is None:
        return None
    records = (each for name, each in row.figures.items() if name not in (SERVICE, PROMETHEUS))
    if all(each.direction is Direction.VOID for each in records):
        return _MEANING_WITHOUT_RECORDS.get(row.code) or _MEANING.get(row.code)
    return _MEANING.get(row.code)


def _comparison(row: UsageRow) -> str:
    """Name those that agree with the client, and by how much each other stands apart."""
    low = row.client.confirmed
    high = inf if row.has_other_traffic else row.client.most
    exact = {name: each.value for name, each in row.figures.items() if each.is_exact}
    known = {name: value for name, value in exact.items() if value is not None}
    agreeing = [name for name, value in known.items() if low <= value <= high]
    if len({known[name] for name in agreeing}) > 1:
        values = ", ".join(f"{name} {_amount(row, known[name])}" for name in agreeing)
        return f"The client leaves {_client_range(row)}, but the witnesses differ: {values}"
    verb = "agree on" if agreeing else "has"
    parts = [f"The {listed([_CLIENT, *agreeing])} {verb} {_client_range(row)}"]
    apart = {name: value for name, value in known.items() if name not in agreeing}
    parts += _distances(row, low, high, apart)
    most = min([high, *known.values()])
    for name, figure in _inexact(row).items():
        if figure.low is not None and figure.low > most:
            parts.append(f"{name} has at least {_amount(row, figure.low)}")
        if figure.high is not None and figure.high < low:
            parts.append(f"{name} has at most {_amount(row, figure.high)}")
    return "; ".join(parts)


def _distances(row: UsageRow, low: Amount, high: Amount, apart: Mapping[str, Amount]) -> list[str]:
    by_distance: dict[Amount, list[str]] = {}
    for name, value in apart.items():
        by_distance.setdefault(value - (low if value < low else high), []).append(name)
    return [
        f"{listed(names)} {'stand' if len(names) > 1 else 'stands'} {_amount(row, size_of(by))} "
        f"{'below' if by < 0 else 'above'}"
        for by, names in by_distance.items()
    ]


def _inexact_sentence(inexact: Mapping[str, Figure]) -> str:
    if not inexact:
        return "No witness was asked."
    return "; ".join(f"{name}: {_bounds(each)}, {reason_words(each)}"
                     for name, each in inexact.items()) + "."  # fmt: skip


def _bounds(figure: Figure) -> str:
    match figure.direction:
        case Direction.VOID:
            return "no data"
        case Direction.BETWEEN:
            return f"{amount_words(figure.low or 0)} to {amount_words(figure.high or 0)}"
        case direction:
            return f"{direction} {amount_words(figure.value or 0)}"


def _with_misplaced(sentences: list[str], row: UsageRow, misplaced: Misplaced) -> list[str]:
    if misplaced.instead:
        label, value = misplaced.instead
        return [*sentences, f'As many were counted under {label}="{value}".']
    if misplaced.missing_under:
        missing = _amounts(misplaced.missing_under, misplaced.amount)
        if row.client.most == 0:
            return [f"Nothing should move it; as many are missing under {missing}."]
        return [
            *sentences,
            f"As many ({_amount(row, misplaced.amount)}) are missing under {missing}.",
        ]
    found = [", ".join(labels) for labels, _ in misplaced.found_under]
    if row.code is Code.UNBOUNDED_LABEL:
        where = (f"{len(found):,} values that no step moves, such as {found[0]}: "
                 "a label that grows with every use")  # fmt: skip
    else:
        where = _amounts(misplaced.found_under, misplaced.amount)
    return [*sentences, f"As many ({_amount(row, misplaced.amount)}) were counted under {where}."]


def _amounts(places: Iterable[tuple[tuple[str, ...], Amount]], amount: Amount) -> str:
    """Name label sets, with the amount of each where it is not that of the row."""
    return listed([", ".join(labels) + ("" if by == amount else f" ({amount_words(by)})")
                   for labels, by in places])  # fmt: skip


def _client_range(row: UsageRow) -> str:
    if row.has_other_traffic:
        return f"at least {_amount(row, row.client.confirmed)}"
    return client_range(row.client, row.unit)


def client_range(client: ClientFigure, unit: str = "") -> str:
    """Write the client's figure: a number, or a range where some of it is in doubt.

    >>> client_range(ClientFigure(5, 0)), client_range(ClientFigure(5, 2))
    ('5', '5 to 7')
    """
    low, high = client.confirmed, client.most
    if high == inf:
        return f"at least {amount_words(low, unit)}"
    words = amount_words(high, unit)
    return words if high == low else f"{amount_words(low)} to {words}"


def _amount(row: UsageRow, amount: Amount) -> str:
    return amount_words(amount, row.unit)
