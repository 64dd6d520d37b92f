"""The addresses of the reports of other runs, as far as they are kept."""

from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

# Returns the address of a run's report, or "" where the run is not kept.
FindReport = Callable[[str], str]


def no_report(_: str) -> str:
    """Return no address: it is not known which runs are kept."""
    return ""


def report_finder(names: Iterable[str], prefix: str) -> FindReport:
    """Return a function from a run's id to the address of its report, for the runs kept."""
    kept = frozenset(names)
    # "./", since a name with a colon must not become a scheme
    return lambda run_id: f"./{prefix}{quote(run_id)}/report.html" if run_id in kept else ""


def reports_beside(run_dir: Path) -> FindReport:
    """Return a function that finds the reports in the folders beside a run's own."""
    try:
        folders = [each for each in run_dir.absolute().parent.iterdir() if not each.is_symlink()]
    except OSError:
        return no_report
    names = (each.name for each in folders if (each / "report.html").is_file())
    return report_finder(names, "../")
