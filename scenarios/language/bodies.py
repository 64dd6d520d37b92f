"""The bodies that a request can have other than JSON: forms, texts, and files beside the scenario.

The names of files are paths below the folder of the scenario.
"""

from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from config.models import UNION_TAGS, StrictModel
from config.requirements import matches, requires
from scenarios.language.templates import looks_like_template

_MAPPING, _VALUE = UNION_TAGS

ANY_TYPE = "application/octet-stream"

_IS_MEDIA_TYPE = matches(
    r"""[\w!#$&^.+-]+/[\w!#$&^.+-]+(; ?[\w-]+=([\w.+/:-]+|"[ -!#-\[\]-~]+"))*""",
    "{0!r} is not a media type; write type/subtype, as in text/csv",
)
_IS_FIXED = requires(
    lambda text: not looks_like_template(text),
    "{0!r}: templates are not evaluated here; write a fixed text",
)


def is_file_path(name: str) -> bool:
    """Return whether a name is a path below a folder, without leading out of it."""
    path = PurePosixPath(name)
    is_below = bool(path.parts) and not path.is_absolute() and ".." not in path.parts
    return is_below and "\\" not in name and "\0" not in name and not looks_like_template(name)


_IS_BELOW = requires(
    is_file_path,
    "{0!r} is not a path below the scenario's folder; write it relative, with / and without ..",
)

FilePath = Annotated[str, _IS_FIXED, _IS_BELOW]
MediaType = Annotated[str, _IS_FIXED, _IS_MEDIA_TYPE]


class FileBody(StrictModel):
    """A file as the whole body; a text alone is its path."""

    path: FilePath
    type: MediaType = ANY_TYPE


WrittenFileBody = Annotated[
    FileBody, BeforeValidator(lambda value: {"path": value} if isinstance(value, str) else value)
]


class FilePart(StrictModel):
    """A file as a part of a multipart form; the server is shown `filename`, or its own name."""

    file: FilePath
    filename: str | None = None
    type: MediaType = ANY_TYPE

    @property
    def shown_name(self) -> str:
        """The name that the server is shown, a template."""
        return self.filename if self.filename is not None else PurePosixPath(self.file).name


_IS_SCALAR = requires(
    lambda value: isinstance(value, str | int | float),
    "a field is a text, a number, true or false, a list of these, or a file; got {0!r}",
)

_Part = Annotated[
    Annotated[FilePart, Tag(_MAPPING)] | Annotated[Any, _IS_SCALAR, Tag(_VALUE)],
    Discriminator(lambda value: _MAPPING if isinstance(value, dict | FilePart) else _VALUE),
]
# one part, or several of one name
Parts = Annotated[
    list[_Part],
    Field(min_length=1),
    BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
]
