"""Find how many digits a figure needs, so that it is never printed on the wrong side of a limit."""

from decimal import Decimal
from itertools import count

from scenarios.language.amounts import decimal_of


def digits_apart(value: Decimal, least: int, *limits: Decimal) -> int:
    """Return how many decimals a value needs to compare, printed, with every limit as it does.

    >>> digits_apart(decimal_of(2.5004), 3, decimal_of(2.5)), digits_apart(decimal_of(2.4), 3)
    (4, 3)
    """
    wanted = [value.compare(limit) for limit in limits]
    return next(  # there is one: with every digit printed, the two are equal
        digits
        for digits in count(least)
        if [Decimal(f"{value:.{digits}f}").compare(limit) for limit in limits] == wanted
    )


def print_apart(value: float, least: int, *limits: float) -> str:
    """Print a value with as many decimals as it takes, at least `least`.

    >>> print_apart(2.5004, 3, 2.5), print_apart(2.4996, 3, 2.5), print_apart(2.5, 3, 2.5)
    ('2.5004', '2.4996', '2.500')
    """
    exact = decimal_of(value)
    return f"{exact:,.{digits_apart(exact, least, *map(decimal_of, limits))}f}"
