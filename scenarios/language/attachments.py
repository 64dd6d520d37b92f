"""Read the files beside a scenario that it names: bodies of requests, parts of forms, and schemas.

They are read once, when the flow is compiled. Workers elsewhere get their content with the
scenario. Judging needs none of them: the evidence has what became of each request.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from stat import S_ISREG

from config.documents import read_document
from config.errors import ConfigError
from config.model_keys import Location
from scenarios.language.bodies import FilePart
from scenarios.language.model import Scenario
from scenarios.language.response_schema import (
    SchemaError,
    compile_reference,
    split_reference,
)

# of all files of a scenario: every process keeps them in memory
MAX_ATTACHMENT_BYTES = 16_000_000

Attachments = Mapping[str, bytes]


def read_attachments(scenario: Scenario, path: Path) -> Attachments:
    """Return the content of each file that a scenario names, by its name there.

    Raises ConfigError with every file that cannot be read, and where they are too large.
    """
    contents: dict[str, bytes] = {}
    mistakes: list[tuple[Location, str]] = []
    for place, name in named_files(scenario):
        if name in contents:
            continue
        try:
            content = _read(path.parent, name)
        except ValueError as error:
            mistakes.append((place, f"the file {name!r} {error}"))
            continue
        contents[name] = content
        if sum(map(len, contents.values())) > MAX_ATTACHMENT_BYTES:
            most = f"{MAX_ATTACHMENT_BYTES:,} bytes"
            mistakes.append((place, f"with {name!r}, the files are over {most}; send less"))
            break
    mistakes += [] if mistakes else _schema_mistakes(scenario, contents)
    if mistakes:
        document = read_document(path)
        raise ConfigError(*(document.problem(*each) for each in mistakes))
    return contents


def select_attachments(scenario: Scenario, path: Path, files: Attachments) -> Attachments:
    """Return those of `files` that a scenario names. Raises ConfigError where one is missing."""
    names = {name: place for place, name in named_files(scenario)}
    if missing := [name for name in names if name not in files]:
        document = read_document(path)
        raise ConfigError(
            *(document.problem(names[each], f"{each!r} did not come along") for each in missing)
        )
    return {name: files[name] for name in names}


def named_files(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    """Yield the place and the name of each file that a scenario names."""
    for place, reference in _schema_references(scenario):
        yield place, split_reference(reference)[0]
    for place, step in scenario.placed_steps():
        if step.file_body is not None:
            yield (*place, "file"), step.file_body.path
        for name, parts in step.multipart.items():
            for part in parts:
                if isinstance(part, FilePart):
                    yield (*place, "multipart", name), part.file


def _schema_mistakes(scenario: Scenario, files: Attachments) -> list[tuple[Location, str]]:
    mistakes: list[tuple[Location, str]] = []
    for place, reference in _schema_references(scenario):
        try:
            compile_reference(reference, files[split_reference(reference)[0]])
        except SchemaError as error:
            mistakes.append((place, str(error)))
    return mistakes


def _schema_references(scenario: Scenario) -> Iterator[tuple[Location, str]]:
    for place, step in scenario.placed_steps():
        for key, expectation in step.expectations():
            if isinstance(expectation.body_schema, str):
                yield (*place, key, "schema"), expectation.body_schema


def _read(folder: Path, name: str) -> bytes:
    """Read a file below a folder. Raises ValueError with what the file is, and a remedy."""
    try:
        real = (folder / name).resolve()
        if not real.is_relative_to(folder.resolve()):
            raise ValueError("leads out of the scenario's folder; copy it there")
        status = real.stat()
        if not S_ISREG(status.st_mode):
            raise ValueError("is not a regular file; name one")
        if status.st_size > MAX_ATTACHMENT_BYTES:
            raise ValueError(f"is over {MAX_ATTACHMENT_BYTES:,} bytes; name a smaller one")
        return real.read_bytes()
    except FileNotFoundError:
        raise ValueError("does not exist; a path is relative to the scenario's folder") from None
    except (OSError, RuntimeError) as error:  # of a loop of links, RuntimeError
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"cannot be read: {reason}") from error
