"""Find the files that an environment names: paths in it are relative to the environment's file."""

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from config.documents import Document
from config.model_keys import Location
from config.variables import mapping_in

AUTHS = ("auth", "metrics_auth")
_FILES = ("file", "key")


def with_local_files(document: Document) -> Document:
    """Make the paths of CA files and client certificates relative to the environment's file."""
    content = copy.deepcopy(document.content)
    for holder, key in _paths_in(content):
        if isinstance(path := holder.get(key), str) and path:
            holder[key] = str(document.path.parent / path)
    return replace(document, content=content)


def certificate_at(place: Location) -> Location | None:
    """Return where to leave out a client certificate that a place is in, with its credentials."""
    for index, key in enumerate(place):
        if key == "certificate":
            return place[:index] if place[index - 1] in AUTHS else place[: index + 1]
    return None


def _paths_in(content: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each mapping that names a file, and the key."""
    prometheus = mapping_in(content, "prometheus")
    apis = list(mapping_in(content, "apis").values())
    for holder in (content, prometheus, *apis):
        if isinstance(holder, dict):
            yield holder, "ca_file"
    services = mapping_in(content, "services").values()
    auths = (mapping_in(each, auth) for each in (*services, *apis) for auth in AUTHS)
    for holder in (prometheus, *auths):
        for key in _FILES:
            yield mapping_in(holder, "certificate"), key
