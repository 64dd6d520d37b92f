"""Put the rows of a quantity into words: each sentence once, with the labels that it is about."""

from collections.abc import Iterable, Iterator

from checks.balance.sentences import row_sentences
from checks.result import UsageRow
from checks.verdict import Verdict
from checks.wording import listed

_MOST_LABEL_SETS = 20


def sentences_by_labels(rows: Iterable[UsageRow]) -> Iterator[str]:
    """Yield each sentence once, after the label values that it holds for.

    Of label sets that fail, none is left out; of others, those beyond the first twenty are counted.
    """
    values: dict[str, list[str]] = {}
    left_out = 0
    for number, row in enumerate(each for each in rows if row_sentences(each)):
        if number < _MOST_LABEL_SETS or row.verdict is Verdict.FAIL:
            text = " ".join(row_sentences(row))
            values.setdefault(text, []).append(", ".join(row.label_values))
        else:
            left_out += 1
    for text, labels in values.items():
        yield f"{listed(labels)}: {text}" if any(labels) else text
    if left_out:
        yield f"{left_out:,} more label sets are alike."
