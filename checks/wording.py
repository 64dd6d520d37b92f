"""Join words into one sentence."""

from collections.abc import Sequence
from fractions import Fraction

from scenarios.language.amounts import decimal_of
from witnesses.figure import Figure


def listed(words: Sequence[str]) -> str:
    """Join words with commas and "and".

    >>> listed(["client", "service", "database"])
    'client, service and database'
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def capitalized(text: str) -> str:
    """Begin a text with a capital, and leave the rest as it is.

    >>> capitalized("the database Cards is short")
    'The database Cards is short'
    """
    return f"{text[:1].upper()}{text[1:]}"


def shortened(text: str, most: int) -> str:
    r"""Join the lines of a text, and cut it to a number of characters.

    >>> shortened("one\ntwo three", 9)
    'one two …'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 2].rstrip()} …"


def amount_words(amount: float | Fraction, unit: str = "") -> str:
    """Write an amount with its thousands apart and all its decimals, in its unit.

    >>> amount_words(Fraction(25, 2), "tokens"), amount_words(1604511.0)
    ('12.5 tokens', '1,604,511')
    """
    whole, point, decimals = f"{decimal_of(amount):,f}".partition(".")
    digits = f"{whole}{point}{decimals.rstrip('0')}".rstrip(".")
    return f"{digits} {unit}" if unit else digits


def figure_words(figure: Figure) -> str:
    """Write what a witness has, with the side that a bound is on.

    >>> figure_words(Figure.exact(1200))
    '1,200'
    """
    if figure.value is None:
        return "no data"
    words = amount_words(figure.value)
    return words if figure.is_exact else f"{figure.direction} {words}"
