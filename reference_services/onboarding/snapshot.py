"""Builds the company snapshot, the input of a batch of cards, from the answers."""

from collections.abc import Sequence

from reference_services.onboarding.models import QuestionAnswer, Snapshot


def build_snapshot(company_domain: str, answers: Sequence[QuestionAnswer]) -> Snapshot:
    """Build the snapshot of a company; deterministic, so that a retry sends the same batch."""
    name = company_domain.partition(".")[0].title()
    description = " ".join(item.answer for item in answers)
    return Snapshot(
        company={"name": name, "domain": company_domain, "description": description},
        audience={"description": f"People who look for what {name} offers", "need": description},
        voice={"tone": "clear and factual", "sample": answers[0].answer},
        insights={item.question_id: item.answer for item in answers},
    )
