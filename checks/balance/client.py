"""What the client knows of a quantity as a whole, from its ledger."""

from fractions import Fraction

from checks.result import ClientFigure
from scenarios.evidence.ledger import Ledger
from scenarios.language.amounts import in_units


def client_total(ledger: Ledger, quantity: str, resolution: Fraction) -> ClientFigure:
    """Return the client's figure over all label values; a doubt that fits several counts once."""
    confirmed, doubt = ledger.total(quantity)
    return ClientFigure(
        in_units(confirmed, resolution), in_units(doubt.amount, resolution),
        is_unbounded=doubt.is_unbounded,
    )  # fmt: skip
