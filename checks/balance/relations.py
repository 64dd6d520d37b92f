"""Judge the relations between quantities: each witness's own figures must agree.

It needs nothing of the client: a use that was stored without its count shows also where others'
traffic is in the figures, or requests are in doubt.
"""

from collections.abc import Mapping, Sequence

from checks.balance.sentences import relation_sentences
from checks.case import Case
from checks.result import Finding, Kind, RelationRow, RelationSums, UsageRow, finding_id
from checks.verdict import Verdict, worst
from checks.wording import figure_words, listed
from scenarios.language.relations import Relation
from witnesses.figure import Figure, sum_by_labels

Rows = Mapping[str, Sequence[UsageRow]]


def relation_rows(case: Case, rows: Rows) -> tuple[RelationRow, ...]:
    """Return each relation with the sums of every witness that keeps all of its quantities."""
    return tuple(_row(relation, rows) for relation in case.scenario.relations)


def _row(relation: Relation, rows: Rows) -> RelationRow:
    sums = {}
    for witness in _witnesses(relation, rows):
        figures = tuple(
            sum_by_labels(((), row.figures[witness]) for row in rows[name]
                          if witness in row.figures)[()]
            for name in relation.equal
        )  # fmt: skip
        sums[witness] = RelationSums(figures, _verdict_of(figures))
    verdict = worst(each.verdict for each in sums.values())
    return RelationRow(relation.name, tuple(relation.equal), sums, verdict)


def relation_finding(row: RelationRow) -> Finding:
    """Return the finding of a relation."""
    words = [f"{witness} {' and '.join(map(figure_words, each.figures))}"
             for witness, each in row.sums.items()]  # fmt: skip
    return Finding(
        finding_id("usage", "relation", row.name),
        f"relation {row.name}",
        Kind.USAGE,
        row.verdict,
        f"{listed(row.equal)} are equal for each witness",
        "; ".join(words) or "nothing",
        " ".join(relation_sentences(row)),
    )


def _witnesses(relation: Relation, rows: Rows) -> list[str]:
    """Return the witnesses that keep each quantity of a relation, in the order of the balance."""
    known = [
        dict.fromkeys(witness for row in rows[name] for witness in row.figures)
        for name in relation.equal
    ]
    return [witness for witness in known[0] if all(witness in each for each in known)]


def _verdict_of(sums: Sequence[Figure]) -> Verdict:
    """Return whether sums can be equal; only exact ones prove that they are."""
    lows = [each.low for each in sums if each.low is not None]
    highs = [each.high for each in sums if each.high is not None]
    if lows and highs and max(lows) > min(highs):
        return Verdict.FAIL
    return Verdict.PASS if all(each.is_exact for each in sums) else Verdict.INCONCLUSIVE
