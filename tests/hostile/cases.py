"""All hostile responses, and the path segment that selects each."""

from tests.hostile.bodies import BODIES
from tests.hostile.case import Case, whole
from tests.hostile.encodings import ENCODINGS
from tests.hostile.event_streams import STREAMS
from tests.hostile.heads import HEADS
from tests.hostile.json_bodies import JSON
from tests.hostile.odd import ODD
from tests.hostile.pages import PAGES, READABLE_PAGES
from tests.hostile.prometheus_bodies import PROMETHEUS
from tests.hostile.statuses import STATUSES

_WELL = whole(b'{"a": 1, "b": 2}')
# No client uses one of these.
HTTP = [*HEADS, *BODIES, *ENCODINGS]
ALL = [
    *HTTP, *STATUSES, *ODD, *JSON, *PAGES, *(case for case, _ in READABLE_PAGES), *PROMETHEUS,
    *STREAMS,
]  # fmt: skip
WELL = Case("a response that is well", lambda: iter([_WELL]), stays_open=True)
BY_NAME = {case.name: case for case in ALL}


def slug(case: Case) -> str:
    """Return the path segment that selects a case: its number, from 1."""
    return f"case-{list(BY_NAME).index(case.name) + 1}"


BY_SLUG = {slug(case): case for case in BY_NAME.values()}
