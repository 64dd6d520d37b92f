"""What can a witness say of one count? A number, a lower bound, or why it has none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """The increase that a witness saw: exact, or with a `remark` that says why it is not.

    `value` None means no data; a value with a remark is a lower bound. `late` is how much of the
    value was counted well after the last answer.
    """

    value: float | None
    remark: str = ""
    late: float = 0.0


@dataclass(frozen=True)
class Figures:
    """A witness' figures for one quantity by label values; `absent` is for all others."""

    by_labels: Mapping[Labels, Figure]
    absent: Figure

    def at(self, labels: Labels) -> Figure:
        """Return the figure for label values."""
        return self.by_labels.get(labels, self.absent)


def no_data(remark: str) -> Figures:
    """Return the figures of a witness that could not be read at all."""
    return Figures({}, Figure(None, remark))


def summed(figures: Iterable[tuple[Labels, Figure]]) -> dict[Labels, Figure]:
    """Add figures with the same label values; one lower bound makes the sum a lower bound."""
    sums: dict[Labels, Figure] = {}
    for labels, figure in figures:
        so_far = sums.get(labels, Figure(0.0))
        value = (so_far.value or 0.0) + (figure.value or 0.0)
        late = so_far.late + figure.late
        sums[labels] = Figure(value, so_far.remark or figure.remark, late)
    return sums
