import json
from pathlib import Path

import pytest
import typer

from checks.result_document import render_result
from commands.report import report
from config.errors import ConfigError
from tests.evidence_factory import Load, write_run
from tests.reports.results import failing_result


def test_the_reports_are_rendered_again_from_the_result_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path, Load())
    folder.result.write_text(render_result(failing_result()))
    with pytest.raises(typer.Exit) as ended:
        report(str(folder.path), tmp_path, as_json=True)
    assert ended.value.exit_code == 1
    assert json.loads(capsys.readouterr().out) == json.loads(render_result(failing_result()))
    assert "3 short" in (folder.path / "report.html").read_text()


@pytest.mark.parametrize("content", [None, "", "{}", "[1]", '{"verdict": "pass"}'])
def test_a_run_without_a_readable_result_names_the_remedy(
    tmp_path: Path, content: str | None
) -> None:
    folder = write_run(tmp_path, Load())
    if content is not None:
        folder.result.write_text(content)
    with pytest.raises(ConfigError, match=r"no readable result; run: .*run\.py check"):
        report(str(folder.path), tmp_path, as_json=False)
