"""Tests of reading the result of a run that was judged before."""

from pathlib import Path

import pytest

from checks.result_document import render_result
from commands.shared.judged_run import read_judged
from config.errors import ConfigError
from tests.evidence_factory import Load, write_run
from tests.reports.results import good_result


def test_the_result_is_read(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    folder.result.write_text(render_result(good_result()))
    assert read_judged(folder) == good_result()


@pytest.mark.parametrize("content", [None, "", "{}", "[" * 100_000])
def test_a_run_without_a_readable_result_names_the_remedy(
    tmp_path: Path, content: str | None
) -> None:
    folder = write_run(tmp_path, Load())
    if content is not None:
        folder.result.write_text(content)
    with pytest.raises(ConfigError, match=r"no readable result; run: .*run\.py check \S+$"):
        read_judged(folder)
