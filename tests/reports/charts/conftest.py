"""Runs that several modules look at, each made once."""

from collections.abc import Callable
from functools import cache

import pytest

from reports.charts.source import ChartSource
from tests.reports.charts.made_runs import Shape, source_of

SourceOf = Callable[[Shape], ChartSource]


@pytest.fixture(scope="session")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> SourceOf:
    return cache(lambda shape: source_of(tmp_path_factory.mktemp("run"), shape))
