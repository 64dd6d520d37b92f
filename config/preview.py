"""Read an environment before the values of some of its variables are known.

A variable whose value is unknown stands for whatever fits its places: a URL, a token, a duration.
What no value could make valid is reported, as is everything that does not depend on the variable.
"""

import copy
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from itertools import chain
from operator import getitem
from pathlib import Path
from typing import Any

from config.documents import Document, parse_document
from config.environment import Environment, problems_as_written
from config.errors import ConfigError, Problem
from config.local_files import certificate_at, with_local_files
from config.model_keys import Location
from config.models import invalid_places, read_model
from config.variables import names_of_variables, texts_in, unset_variable

# One of them fits wherever a text can stand. The last ones fit a place of two variables.
_CANDIDATES = (
    "placeholder",
    "http://placeholder.invalid",
    "sqlite:///placeholder",
    "1s",
    "1/s",
    "",
    "8080",
)


def preview_environment(path: Path, is_unknown: Callable[[str], bool]) -> Environment:
    """Read an environment in which the variables that `is_unknown` selects have no value yet.

    Raises ConfigError.
    """
    written = parse_document(path)
    unset = _places(written.content, lambda name: name not in os.environ and not is_unknown(name))
    problems = [*problems_as_written(written), *_unset(written, unset)]
    places = {**_places(written.content, is_unknown), **unset}
    try:
        document = _with_candidates(path, places)
        environment = read_model(_without_unknown_files(document, places), Environment)
        environment.remember_expanded(document.expanded)
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from error
    if problems:
        raise ConfigError(*problems)
    return environment


def _unset(document: Document, places: Mapping[str, list[Location]]) -> list[Problem]:
    return [
        document.problem(place, unset_variable(name))
        for name, of_variable in places.items()
        for place in of_variable
    ]


def _without_unknown_files(document: Document, places: Mapping[str, list[Location]]) -> Document:
    """Remove files at unknown paths: whether they exist is known only where the variable is set."""
    content = copy.deepcopy(document.content)
    for place in chain.from_iterable(places.values()):
        unknown = place if place[-1] == "ca_file" else certificate_at(place)
        if unknown:
            reduce(getitem, unknown[:-1], content).pop(unknown[-1], None)
    return replace(document, content=content)


def _with_candidates(path: Path, places: Mapping[str, list[Location]]) -> Document:
    """Return the document with, for each unknown variable, the first value that fits."""
    chosen = dict.fromkeys(places, 0)
    while True:
        values = {name: _CANDIDATES[number] for name, number in chosen.items()}
        document = with_local_files(parse_document(path, {**os.environ, **values}))
        invalid = invalid_places(document, Environment)
        unfit = [
            name
            for name, of_variable in places.items()
            if chosen[name] + 1 < len(_CANDIDATES) and not invalid.isdisjoint(of_variable)
        ]
        if not unfit:
            return document
        for name in unfit:
            chosen[name] += 1


def _places(content: Any, is_unknown: Callable[[str], bool]) -> dict[str, list[Location]]:
    """Return the places of each unknown variable; one with a default has a value."""
    places: dict[str, list[Location]] = {}
    for place, text in texts_in(content):
        for name in filter(is_unknown, names_of_variables(text)):
            places.setdefault(name, []).append(place)
    return places
