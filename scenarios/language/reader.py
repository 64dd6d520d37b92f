"""Find and read scenario files; report every mistake of a file at once."""

import itertools
from collections.abc import Iterator
from pathlib import Path

from config.documents import Document, parse_document
from config.errors import ConfigError, Problem
from config.models import invalid_places, read_model, read_model_leniently
from config.named_files import find_named_file
from config.plaintext import shaped_secrets
from config.project import SCENARIOS, find_project
from scenarios.language.consequences import wrong_places
from scenarios.language.model import Scenario
from scenarios.language.validation import find_violations
from scenarios.language.variables import find_misplaced_variables


def find_scenario(name: str) -> Path:
    """Return the file of a scenario: a path to a YAML file, or its name in the project.

    Raises ConfigError naming the scenarios that exist.
    """
    folders = (find_project().scenarios, SCENARIOS)
    file_names = [f"{each}.yaml" for each in (name, name.replace("-", "_"))]
    return find_named_file(name, file_names, folders, "scenario")


def read_scenario(path: Path, content: bytes | None = None) -> Scenario:
    """Read a scenario. Raises ConfigError with every mistake, each with file and line.

    `content` is that of the file, where it has been read already.
    """
    document = parse_document(path, content=content)
    try:
        scenario = read_model(document, Scenario)
    except ConfigError as error:
        raise ConfigError(*_sorted(*error.problems, *_further_problems(document, error))) from error
    if problems := [
        *(document.problem(place, message) for place, message in find_violations(scenario)),
        *(
            document.problem(place, message)
            for place, message in find_misplaced_variables(scenario, document.content)
        ),
        *shaped_secrets(document),
    ]:
        raise ConfigError(*_sorted(*problems))
    return scenario


def _further_problems(document: Document, error: ConfigError) -> Iterator[Problem]:
    """Validate what remains of a document without its wrong values.

    A violation that may follow from a wrong value is left out, as is one on the same line.
    """
    remainder = read_model_leniently(document, Scenario)
    reported = {problem.line for problem in error.problems}
    wrong = wrong_places(document.content, invalid_places(document, Scenario))
    violations = find_violations(remainder) if remainder else ()
    for place, message in itertools.filterfalse(wrong.cause, violations):
        causes: set[int | None] = {document.line_of(place)}
        # the keys of a profile depend on each other: a mistake in one may cause any other
        if place[:1] == ("profiles",):
            causes |= {line for other, line in document.lines.items() if other[:2] == place[:2]}
        if not reported & causes:
            yield document.problem(place, message)


def _sorted(*problems: Problem) -> list[Problem]:
    """Sort problems by line, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
