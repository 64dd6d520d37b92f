"""Judge whether the evidence is that of the run: complete, and as it was at its end."""

from checks.result import Finding, Kind, finding_id
from checks.verdict import Verdict
from scenarios.evidence.manifest import changed_files
from scenarios.evidence.run_folder import Run, RunFolder

EVIDENCE = finding_id("validity", "evidence")

_SHOWN = 3


def judge_evidence(folder: RunFolder, run: Run) -> Finding | None:
    """Return the finding of evidence that changed since the run, or None. Raises ConfigError."""
    changed = changed_files(folder, run)
    if not changed:
        return None
    names = ", ".join(ascii(name)[1:-1] for name in changed[:_SHOWN])
    more = f" and {len(changed) - _SHOWN:,} more" if len(changed) > _SHOWN else ""
    return _finding(f"changed since the run: {names}{more}")


def unreadable_evidence(error: Exception) -> Finding:
    """Return the finding of evidence that no judge can read."""
    return _finding(f"it cannot be read: {type(error).__name__}")


def _finding(observed: str) -> Finding:
    return Finding(
        EVIDENCE, "evidence unchanged", Kind.VALIDITY, Verdict.INCONCLUSIVE,
        "each file as it was at the end of the run", observed,
        "Nothing else was judged. Copy the run again from where it was made, or run again.",
    )  # fmt: skip
