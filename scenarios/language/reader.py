"""Is this scenario file right? Read it, or say every mistake in it at once."""

from pathlib import Path

from config.documents import Document, Location, read_document, read_model, read_what_stands
from config.errors import ConfigError, Problem
from scenarios.language.model import Scenario
from scenarios.language.validation import broken_rules

FOLDER = Path(__file__).parents[1]


def find_scenario(name: str) -> Path:
    """Return the file of a scenario: a path to a YAML file, or a name in `scenarios/`.

    Raises ConfigError naming the scenarios that exist.
    """
    given = Path(name)
    path = given if given.suffix in (".yaml", ".yml") else FOLDER / f"{name.replace('-', '_')}.yaml"
    if path.is_file():
        return path
    known = ", ".join(sorted(each.stem for each in FOLDER.glob("*.yaml")))
    raise ConfigError(Problem(path, None, f"no such scenario; known: {known}, or a YAML file"))


def read_scenario(path: Path) -> Scenario:
    """Read a scenario. Raises ConfigError with every mistake, each with file and line."""
    document = read_document(path)
    try:
        scenario = read_model(document, Scenario)
    except ConfigError as error:
        what_stands = read_what_stands(document, Scenario)
        lines = {problem.line for problem in error.problems}
        broken = broken_rules(what_stands) if what_stands else ()
        new = (
            document.problem(place, message)
            for place, message in broken
            if not lines & _lines_that_matter(document, place)
        )
        raise ConfigError(*_in_order(*error.problems, *new)) from error
    problems = _problems(document, scenario)
    if problems:
        raise ConfigError(*_in_order(*problems))
    return scenario


def _problems(document: Document, scenario: Scenario) -> list[Problem]:
    return [document.problem(place, message) for place, message in broken_rules(scenario)]


def _lines_that_matter(document: Document, place: Location) -> set[int | None]:
    """Return the lines whose mistakes may have led to one at a place: of a profile, all of it."""
    lines: set[int | None] = {document.line_of(place)}
    if place[:1] == ("profiles",):
        lines |= {line for each, line in document.lines.items() if each[:2] == place[:2]}
    return lines


def _in_order(*problems: Problem) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line or 0)
