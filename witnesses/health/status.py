"""What a service reported of itself at one moment: health, readiness, acceptance, clock."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from scenarios.evidence.files import read_document
from scenarios.evidence.run_folder import RunFolder
from witnesses.model import Moment


@dataclass(frozen=True)
class EndpointResponse:
    """The response of one path: a status and a body snippet, or the error in its place.

    `error` and `remedy` are parts of a sentence. `is_theirs` means that the service is at fault,
    and not how it was asked. `is_any_status_well` means that the service has no health endpoint.
    `is_declared_absent` that it was not asked, since it has none and the flow sends nothing there.
    """

    url: str
    status: int | None = None
    snippet: str = ""
    error: str = ""
    remedy: str = ""
    is_theirs: bool = True
    is_any_status_well: bool = False
    is_declared_absent: bool = False


@dataclass(frozen=True)
class ServiceStatus:
    """What a service reported at one moment; what was not asked is None.

    `certificate_until` is when its certificate expires, in epoch seconds. `clock_skew_s` is its
    clock minus ours.
    """

    health: EndpointResponse
    ready: EndpointResponse | None = None
    probe: EndpointResponse | None = None
    version: str = ""
    certificate_until: float | None = None
    clock_skew_s: float | None = None


_STATUSES = TypeAdapter(dict[str, ServiceStatus])


def statuses_file(moment: Moment) -> str:
    """Return the evidence file of a moment."""
    return f"health-{moment}.json"


def statuses_json(statuses: Mapping[str, ServiceStatus]) -> bytes:
    """Render the statuses of all services."""
    return _STATUSES.dump_json(dict(statuses), indent=1)


def read_statuses(folder: RunFolder, moment: Moment) -> dict[str, ServiceStatus]:
    """Read the statuses of a moment; empty where they were not collected."""
    try:
        return _STATUSES.validate_json(read_document(folder.witnesses / statuses_file(moment)))
    except (OSError, ValueError):
        return {}
