"""Tenant of a request, read from the header `X-Tenant-ID` alone."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException

from reference_services.common.api.rate_limit import RateLimit
from reference_services.common.api.schemas import RequestBody

TENANT_HEADER = "X-Tenant-ID"

# A security scheme: in OpenAPI, a request without it is then unauthorized, not malformed.
_header = APIKeyHeader(name=TENANT_HEADER, scheme_name=TENANT_HEADER, auto_error=False)


async def tenant_of(request: Request, offered: Annotated[str | None, Depends(_header)]) -> str:
    """Return the tenant id in canonical spelling.

    Raises HTTPException: 401 if the header is absent, 400 if it is not a UUID, 429 over the rate.
    """
    if not offered:
        raise HTTPException(401, f"The header {TENANT_HEADER} is missing.")
    tenant_id = _canonical(offered)
    request.state.tenant_id = tenant_id
    rate_limit: RateLimit = request.app.state.rate_limit
    retry_after_s = rate_limit.check(tenant_id)
    if retry_after_s is not None:
        raise HTTPException(
            429,
            f"Rate limit of this tenant exceeded; retry in {retry_after_s} s.",
            {"Retry-After": str(retry_after_s)},
        )
    return tenant_id


Tenant = Annotated[str, Depends(tenant_of)]


def require_same_tenant(body: RequestBody, tenant_id: str) -> None:
    """Reject a body that names another tenant than the header. Raises HTTPException 400."""
    if body.tenant_id is not None and str(body.tenant_id) != tenant_id:
        raise HTTPException(400, f"tenant_id in the body differs from {TENANT_HEADER}.")


def _canonical(text: str) -> str:
    try:
        tenant_id = str(UUID(text))
    except ValueError:
        tenant_id = ""
    # UUID() also accepts braces and missing dashes; a tenant has one spelling, apart from case.
    if tenant_id != text.lower():
        raise HTTPException(400, f"The header {TENANT_HEADER} is not a UUID.")
    return tenant_id
