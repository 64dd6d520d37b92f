"""The Python in the staging script runs: nothing else runs it before a deployment does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.tiny_server import Canned, serving

SCRIPT = ROOT / "tests" / "staging" / "test_staging_e2e.sh"


def _python_block() -> str:
    _, _, rest = SCRIPT.read_text(encoding="utf-8").partition("<<'PYTHON'\n")
    return rest.partition("\nPYTHON\n")[0]


def _vector(*values: str) -> Canned:
    result = [{"metric": {}, "value": [0, value]} for value in values]
    return Canned(
        json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})
    )


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize(
    ("answer", "code", "printed"),
    [(_vector("4"), 0, "4"), (_vector("3"), 1, "3"), (_vector(), 1, "no data")],
    ids=["enough cards", "too few cards", "no series"],
)
def test_the_metrics_step_reads_the_cards_from_prometheus(
    tmp_path: Path, answer: Canned, code: int, printed: str
) -> None:
    with serving({"/api/v1/query": answer}) as server:
        environment = tmp_path / "environment.yaml"
        environment.write_text(
            "environment: shop\n"
            f"services: {{cards: {{url: '{server.url}'}}}}\n"
            f"prometheus: {{url: '{server.url}'}}\n",
            encoding="utf-8",
        )
        ended = subprocess.run(
            [sys.executable, "-c", _python_block(), str(environment)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert ended.stdout == f"onboarding_cards_created_total {printed}\n", ended.stderr
    assert ended.returncode == code
