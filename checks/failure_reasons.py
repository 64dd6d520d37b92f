"""Why exchanges failed, in words: grouped by reason, the most frequent first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from checks.wording import shortened
from scenarios.evidence.exchange import Outcome
from scenarios.evidence.exchanges import OUTCOMES
from scenarios.evidence.recording import Recording

_MOST_REASONS = 3
_MOST_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """The exchanges of one step that failed for one reason; `first_at` and `last_at` are UTC.

    `texts` counts the different wordings: those of one group differ only in what a response had.
    `example` is the most frequent of them.
    """

    step: str
    outcome: Outcome
    group: str
    count: int
    first_at: datetime
    last_at: datetime
    texts: int
    example: str

    @property
    def reason(self) -> str:
        """The reason in words."""
        words = self.example if self.texts == 1 else f"{self.group}, such as: {self.example}"
        return shortened(words, _MOST_CHARACTERS)


def failure_groups(recordings: Iterable[Recording], *steps: str) -> list[FailureGroup]:
    """Group the failed exchanges of some steps, or of all, the most frequent reason first.

    Of those that are equally frequent, the one that began first is first.
    """
    groups: dict[tuple[str, Outcome, str], list[FailureGroup]] = {}
    for recording in recordings:
        for each in _by_text(recording):
            if not steps or each.step in steps:
                groups.setdefault((each.step, each.outcome, each.group), []).append(each)
    return sorted(map(_together, groups.values()), key=lambda group: (-group.count, group.first_at))


def _by_text(recording: Recording) -> Iterable[FailureGroup]:
    failed = recording.exchanges[~recording.exchanges.ok]
    rows = failed.rows[["step", "outcome", "reason"]]
    kinds, which = np.unique(rows, return_inverse=True)
    for number, (step, outcome, reason) in enumerate(kinds.tolist()):
        sent_s = failed.column("sent_s")[which == number]
        yield FailureGroup(
            failed.steps[step], OUTCOMES[outcome], failed.groups[reason],
            count=len(sent_s),
            first_at=sent_at(recording, sent_s.min()),
            last_at=sent_at(recording, sent_s.max()),
            texts=1,
            example=failed.reasons[reason],
        )  # fmt: skip


def sent_at(recording: Recording, sent_s: float) -> datetime:
    """Return a time of a recording as UTC."""
    return datetime.fromtimestamp(recording.start.anchor_at + float(sent_s), UTC)


def _together(alike: Sequence[FailureGroup]) -> FailureGroup:
    by_text: dict[str, int] = {}
    for each in alike:
        by_text[each.example] = by_text.get(each.example, 0) + each.count
    return replace(
        alike[0],
        count=sum(by_text.values()),
        first_at=min(each.first_at for each in alike),
        last_at=max(each.last_at for each in alike),
        texts=len(by_text),
        example=max(by_text, key=by_text.__getitem__),
    )


def failure_sentence(groups: Sequence[FailureGroup]) -> str:
    """Write how many failed and why, as in `2 rejected: status 503, expected 200 (first at …)`."""
    words = [
        f"{each.count:,} {each.outcome}: {each.reason} (first at {each.first_at:%H:%M:%S} UTC)"
        for each in groups[:_MOST_REASONS]
    ]
    number = sum(each.count for each in groups[_MOST_REASONS:])
    reasons = len(groups) - _MOST_REASONS
    others = f"{number:,} for {reasons:,} other reason{'s' * (reasons > 1)}" if number else ""
    return "; ".join(filter(None, [*words, others]))


def failure_headline(groups: Sequence[FailureGroup], count: int) -> str:
    """Write the most frequent reason with its step: `use: status 503, expected 200 (12 of 100)`."""
    return next(
        (f"{each.step}: {each.reason} ({each.count:,} of {count:,})" for each in groups), ""
    )
