"""Is a document without a result answered in a moment, and one with a result by its table?"""

import subprocess
import sys
from pathlib import Path

import pytest

from checks.result_document import render_result
from commands.load_test import main
from tests.paths import ROOT
from tests.reports.results import good_result

IMPORTED = """
import sys
from commands.load_test import main
print(main(sys.argv[1:]), "checks.result" in sys.modules)
"""


@pytest.mark.parametrize(
    ("text", "code"), [("Killed", 1), ("", 1), ('{"exit_code": 2, "problems": ["none"]}', 0)]
)
def test_nothing_that_reads_results_is_imported_for_a_document_without_one(
    tmp_path: Path, text: str, code: int
) -> None:
    document = tmp_path / "answer.json"
    document.write_text(text)
    command = [sys.executable, "-c", IMPORTED, str(document), str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == f"{code} False\n"


@pytest.mark.parametrize("text", ["[]", '{"verdict": "pass"}'])
def test_a_document_that_is_no_result_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    document = tmp_path / "answer.json"
    document.write_text(text)
    assert main([str(document), str(tmp_path)]) == 1
    printed = capsys.readouterr()
    expected = "load test: run.py's result cannot be read, so nothing is proven\n"
    assert (printed.out, printed.err) == ("", expected)


def test_a_result_is_shown_with_its_verdict_and_its_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, document = good_result(), tmp_path / "answer.json"
    document.write_text(render_result(result))
    assert main([str(document), str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.split()[0] == "PASS"
    assert f"{tmp_path}/{result.run_id}/report.html\n" in shown
