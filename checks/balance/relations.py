"""Judge the relations between quantities: each witness's own figures must agree.

It needs nothing of the client: a use that was stored without its count shows also where others'
traffic is in the figures, or requests are in doubt.
"""

from collections.abc import Iterator, Mapping, Sequence

from checks.case import Case
from checks.result import Finding, Kind, UsageRow, finding_id
from checks.verdict import Verdict, worst
from checks.wording import amount_words, listed
from scenarios.language.relations import Relation
from witnesses.figure import Figure, sum_by_labels

Rows = Mapping[str, Sequence[UsageRow]]


def judge_relations(case: Case, rows: Rows) -> Iterator[Finding]:
    """Yield a finding for each relation, over the rows of its quantities."""
    for relation in case.scenario.relations:
        yield _judge(relation, rows)


def _judge(relation: Relation, rows: Rows) -> Finding:
    verdicts, words = {}, []
    for witness in _witnesses(relation, rows):
        sums = [_sum(rows[name], witness) for name in relation.equal]
        verdicts[witness] = _verdict_of(sums)
        words.append(f"{witness} {' and '.join(map(_words, sums))}")
    wrong = [witness for witness, verdict in verdicts.items() if verdict is Verdict.FAIL]
    detail = f"{listed(wrong)}: the sums over all labels differ." if wrong else ""
    return Finding(
        finding_id("usage", "relation", relation.name),
        f"relation {relation.name}",
        Kind.USAGE,
        worst(verdicts.values()),
        f"{listed(relation.equal)} are equal for each witness",
        "; ".join(words) or "no witness keeps all of them",
        detail,
    )


def _witnesses(relation: Relation, rows: Rows) -> list[str]:
    """Return the witnesses that keep each quantity of a relation, in the order of the balance."""
    known = [
        dict.fromkeys(witness for row in rows[name] for witness in row.figures)
        for name in relation.equal
    ]
    return [witness for witness in known[0] if all(witness in each for each in known)]


def _sum(rows: Sequence[UsageRow], witness: str) -> Figure:
    figures = (((), row.figures[witness]) for row in rows if witness in row.figures)
    return sum_by_labels(figures)[()]


def _verdict_of(sums: Sequence[Figure]) -> Verdict:
    """Return whether sums can be equal; only exact ones prove that they are."""
    lows = [each.low for each in sums if each.low is not None]
    highs = [each.high for each in sums if each.high is not None]
    if lows and highs and max(lows) > min(highs):
        return Verdict.FAIL
    return Verdict.PASS if all(each.is_exact for each in sums) else Verdict.INCONCLUSIVE


def _words(figure: Figure) -> str:
    if figure.value is None:
        return "no data"
    words = amount_words(figure.value)
    return words if figure.is_exact else f"{figure.direction} {words}"
