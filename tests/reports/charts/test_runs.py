import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from checks.verdict import Verdict
from reports.charts.runs import CurvePoint, draw_points
from reports.vega import LIMIT

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
NEAR = CurvePoint(0.7, 0.6, 0.8, Verdict.PASS, True, AT)


def test_a_near_limit_is_a_line_and_a_far_one_a_word() -> None:
    assert f'stroke="{LIMIT}"' in draw_points([NEAR], 1.0, None, "x")
    far = draw_points([NEAR], 100.0, None, "x")
    assert f'stroke="{LIMIT}"' not in far
    assert "↑ limit 100.000 s" in far


def test_a_run_that_did_not_pass_has_its_mark() -> None:
    failed = replace(NEAR, verdict=Verdict.FAIL)
    assert "✕" in draw_points([NEAR, failed, None], None, None, "x")


def test_a_value_without_a_check_is_drawn_as_one_that_passed() -> None:
    assert draw_points([replace(NEAR, verdict=None)], None, None, "x") == draw_points(
        [NEAR], None, None, "x"
    )


def test_runs_have_their_day_and_those_of_one_day_their_time() -> None:
    nights = [replace(NEAR, started_at=AT + timedelta(days=each)) for each in range(3)]
    assert all(f">11-{day}<" in draw_points(nights, None, None, "x") for day in (20, 21, 22))
    hours = [replace(NEAR, started_at=AT + timedelta(hours=each)) for each in range(3)]
    assert all(f">{hour}:00<" in draw_points(hours, None, None, "x") for hour in ("03", "04", "05"))


def test_dates_of_many_runs_keep_apart() -> None:
    nights = [replace(NEAR, started_at=AT + timedelta(days=each)) for each in range(30)]
    picture = ET.fromstring(draw_points(nights, None, None, "x"))
    places = [float(each.get("x", "0")) for each in picture.iter("text")
              if (each.text or "").startswith(("11-", "12-"))]  # fmt: skip
    assert len(places) >= 5
    assert all(two - one >= 60 for one, two in pairwise(places))


def test_the_scale_has_round_values() -> None:
    drawn = draw_points([NEAR], 1.0, None, "x")
    assert all(f">{label}<" in drawn for label in ("0 s", "0.5 s", "1 s"))


def test_a_run_that_is_kept_links_to_its_report() -> None:
    kept = replace(NEAR, report="./../a/report.html")
    picture = ET.fromstring(draw_points([NEAR, kept], None, None, "x"))
    (link,) = picture.iter("a")
    assert link.get("href") == "./../a/report.html"
    assert link.get("aria-label") == "report of the run of 2026-11-20 03:00:00 UTC"
    assert len(list(link.iter("circle"))) == 1
    # What has links is no image to assistive technology.
    assert picture.get("role") == "group"
    assert ET.fromstring(draw_points([NEAR], None, None, "x")).get("role") == "img"
