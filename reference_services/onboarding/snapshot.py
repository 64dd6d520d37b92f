"""What do the answers say of the company?"""

from collections.abc import Sequence

from reference_services.onboarding.models import Reply, Snapshot


def take_snapshot(company_domain: str, replies: Sequence[Reply]) -> Snapshot:
    """Describe the company by its domain and its answers; the same answers, the same snapshot."""
    name = company_domain.partition(".")[0].title()
    said = " ".join(reply.answer for reply in replies)
    return Snapshot(
        company={"name": name, "domain": company_domain, "description": said},
        audience={"description": f"People who look for what {name} offers", "need": said},
        voice={"tone": "clear and factual", "sample": replies[0].answer},
        insights={reply.question_id: reply.answer for reply in replies},
    )
