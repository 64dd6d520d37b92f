from pathlib import Path

from reports.views.kept_reports import report_finder, reports_beside


def test_only_a_run_that_is_kept_has_an_address() -> None:
    find = report_finder(["a"], "../")
    assert (find("a"), find("b")) == ("./../a/report.html", "")


def test_the_reports_in_the_folders_beside_a_run_are_found(tmp_path: Path) -> None:
    for name in ("this", "kept", "without a report"):
        (tmp_path / name).mkdir()
    for name in ("this", "kept"):
        (tmp_path / name / "report.html").touch()
    (tmp_path / "latest").symlink_to(tmp_path / "kept")
    find = reports_beside(tmp_path / "this")
    assert find("kept") == "./../kept/report.html"
    assert [find(name) for name in ("without a report", "latest", "never was")] == [""] * 3


def test_where_nothing_can_be_listed_nothing_is_found(tmp_path: Path) -> None:
    assert reports_beside(tmp_path / "no" / "such" / "folder")("a") == ""
