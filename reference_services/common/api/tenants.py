"""Whose request is this? The tenant, from `X-Tenant-ID` alone."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader
from starlette.exceptions import HTTPException

from reference_services.common.api.rate_limit import RateLimit
from reference_services.common.api.schemas import Body

TENANT_HEADER = "X-Tenant-ID"

# Declared as a security scheme: to OpenAPI, a request without it is unauthorized, not malformed.
_header = APIKeyHeader(name=TENANT_HEADER, scheme_name=TENANT_HEADER, auto_error=False)


async def tenant_of(request: Request, offered: Annotated[str | None, Depends(_header)]) -> str:
    """Return the tenant's id in its canonical spelling.

    401 if it is absent, 400 if it is no UUID, 429 if the tenant calls too often.
    """
    if not offered:
        raise HTTPException(401, f"The header {TENANT_HEADER} is missing.")
    tenant_id = _canonical(offered)
    request.state.tenant_id = tenant_id
    rate_limit: RateLimit = request.app.state.rate_limit
    pause_s = rate_limit.pause_s(tenant_id)
    if pause_s is not None:
        raise HTTPException(
            429, f"This tenant may call again in {pause_s} s.", {"Retry-After": str(pause_s)}
        )
    return tenant_id


Tenant = Annotated[str, Depends(tenant_of)]


def require_same_tenant(body: Body, tenant_id: str) -> None:
    """Refuse a body that names another tenant than the header does."""
    if body.tenant_id is not None and str(body.tenant_id) != tenant_id:
        raise HTTPException(400, f"The body's tenant_id is not the tenant of {TENANT_HEADER}.")


def _canonical(text: str) -> str:
    try:
        tenant_id = str(UUID(text))
    except ValueError:
        tenant_id = ""
    # UUID() also takes braces and missing dashes: a tenant has one spelling, apart from case.
    if tenant_id != text.lower():
        raise HTTPException(400, f"The header {TENANT_HEADER} is not a UUID.")
    return tenant_id
