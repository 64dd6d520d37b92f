"""Tests of the Grafana dashboard: every query parses and names metrics that exist."""

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from reference_services.stack.local import local_stack
from tests.paths import ROOT
from tests.secured_servers import find_program

DEPLOY = ROOT / "deploy"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())
PANELS = DASHBOARD["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel.get("targets", [])]
_METRIC = re.compile(r"\b((?:cards|onboarding|workflow)_[a-z_]+|[a-z_]+:[a-z_:0-9]+)\b")
_LABELS = {"workflow_type"}


def filled(query: str) -> str:
    return query.replace("$__rate_interval", "1m").replace("$tenant", ".*")


def test_panels_are_known_apart_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        apart = (
            one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        )  # fmt: skip
        assert apart, (one, other)


def test_the_first_row_answers_in_five_seconds() -> None:
    titles = [panel["title"] for panel in PANELS if panel["gridPos"]["y"] == 1]
    assert [title.partition(",")[0] for title in titles] == [
        "Availability", "Budget left", "Slower than 2.5 s", "Rows less counters",
        "Circuit to Cards",
    ]  # fmt: skip


def test_every_panel_asks_the_chosen_source() -> None:
    for panel in PANELS:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"]


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"query:{n}", "expr": filled(query)} for n, query in enumerate(QUERIES)]
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{"name": "q", "rules": rules}]})
    )
    done = subprocess.run(
        [find_program("promtool"), "check", "rules", "rules.yaml"], cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(QUERIES) > 15


@pytest.mark.long
@pytest.mark.stack
def test_every_metric_that_is_asked_for_is_there(tmp_path: Path) -> None:
    recorded = {
        rule["record"]
        for group in yaml.safe_load((DEPLOY / "prometheus" / "rules.yaml").read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    with local_stack(tmp_path) as variables:
        pages = [httpx.get(variables[f"{name}_METRICS"], timeout=60).text
                 for name in ("ONBOARDING", "CARDS", "WORKFLOW")]  # fmt: skip
    declared = {
        name for page in pages for name in re.findall(r"^# TYPE (\S+) ", page, re.MULTILINE)
    }
    rules = (DEPLOY / "prometheus" / "rules.yaml").read_text()
    used = {name for text in (*QUERIES, *re.findall(r"expr: (.*)", rules))
            for name in _METRIC.findall(text)} - _LABELS  # fmt: skip
    known = declared | recorded
    assert len(used) > 15
    assert {name for name in used
            if name not in known and re.sub("_(bucket|count|sum|total)$", "", name) not in known
           } == set()  # fmt: skip
