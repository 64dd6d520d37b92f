"""Tests of the Prometheus rules, and of their promtool tests by mutation."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT
from tests.secured_servers import find_program

FOLDER = ROOT / "deploy" / "prometheus"
RULES = (FOLDER / "rules.yaml").read_text()
TESTS = {name: (FOLDER / name).read_text() for name in ("rules_test.yaml", "rules_days_test.yaml")}


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [find_program("promtool"), *arguments], cwd=folder,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES)["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def test_the_rules_are_rules() -> None:
    assert promtool("check", "rules", "rules.yaml").returncode == 0


@pytest.mark.core
@pytest.mark.long
def test_the_rules_pass_their_tests() -> None:
    done = promtool("test", "rules", *TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_seen_to_fire_and_not_to_fire() -> None:
    tests = [test for text in TESTS.values() for test in yaml.safe_load(text)["tests"]]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for alert in alerts():
        seen = [bool(each["exp_alerts"]) for each in cases if each["alertname"] == alert["alert"]]
        assert set(seen) == {True, False}, alert["alert"]


def test_each_alert_has_a_remedy_and_a_severity() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in ("page", "ticket")
        assert alert["annotations"]["summary"]
        assert alert["annotations"]["description"].endswith(".")


def test_no_alert_rests_on_what_interpolates() -> None:
    without_comments = re.sub(r"^\s*#.*$", "", RULES, flags=re.MULTILINE)
    assert "histogram_quantile" not in without_comments


@pytest.mark.long
@pytest.mark.parametrize(
    ("rule", "spoiled"),
    [
        ("job:up:ratio_1h > 14.4 * 0.001", "job:up:ratio_1h > 144 * 0.001"),
        ("and (1 - job:up:ratio_5m > 14.4 * 0.001)", ""),
        ("job:up:ratio_6h > 6 * 0.001", "job:up:ratio_6h > 60 * 0.001"),
        ("job:up:ratio_3d > 0.001", "job:up:ratio_3d > 0.01"),
        ("for: 2m", "for: 20m"),
        ("round(1 - sum by (job)", "round(1.01 - sum by (job)"),
        ("> 4 * 0.05", "> 0.05"),
        ("(job:requests_slow:ratio_6h > 0.05)", "(job:requests_slow:ratio_6h > 0.07)"),
        ("max by (card_type, source) (delta", "sum by (card_type, source) (delta"),
        ("circuit_state == 2", "circuit_state >= 1"),
        ("> 0.02 * card_type", "> 0.5 * card_type"),
        ("difference_1h) > 5", "difference_1h) > 0.001"),
        ('status=~"5.."', 'status=~"2.."'),
        ("[1d]))", "[1m]))"),
        ('or absent(up{job="workflow"})', ""),
    ],
)
def test_a_spoiled_rule_is_noticed(tmp_path: Path, rule: str, spoiled: str) -> None:
    assert rule in RULES
    (tmp_path / "rules.yaml").write_text(RULES.replace(rule, spoiled))
    for name, text in TESTS.items():
        (tmp_path / name).write_text(text)
    assert any(promtool("test", "rules", name, folder=tmp_path).returncode for name in TESTS)
