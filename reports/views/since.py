"""Report since which run something is as it is: a check that does not pass, a shifted p95.

run        1   2   3   4   5   6 (this one)
check      ✓   ✓   ✓   ✕   ✕   ✕             does not pass since run 4; it passed in run 3
"""

from collections.abc import Iterator, Sequence

from checks.history.entry import Entry
from checks.history.trends import shifts_of
from checks.result import Finding, Result
from checks.verdict import Verdict
from reports import formatting as write
from reports.views.history import is_of_another_file, runs_with_this_one
from scenarios.language.model import ITERATION

_MOST_CHECKS = 3
_MOST_CHARACTERS = 60
_OF_SERVICE = "service "  # how an entry names the version of a service


def since_sentences(result: Result) -> list[str]:
    """Report since which run the first checks do not pass, and since when p95 shifted."""
    entries = runs_with_this_one(result)
    checks = dict.fromkeys(each.id for each in result.findings if each.verdict is not Verdict.PASS)
    said = [_streak(result, entries, check) for check in list(checks)[:_MOST_CHECKS]]
    return [*filter(None, said), *_shift(result, entries)]


def since_sentence(result: Result, deciding: Finding | None) -> str:
    """Report since which run what decided this one is so, or "" where no earlier run tells."""
    entries = runs_with_this_one(result)
    if deciding and deciding.verdict is not Verdict.PASS:
        return _streak(result, entries, deciding.id)
    return next(_shift(result, entries), "")


def _streak(result: Result, entries: Sequence[Entry], check: str) -> str:
    """Report since which run a check does not pass, and what changed with that run."""
    made = [each for each in entries if check in each.checks]
    if made and made[-1].checks[check] is Verdict.FAIL:  # one that could not be judged is no fail
        made = [each for each in made if each.checks[check] is not Verdict.INCONCLUSIVE]
    if len(made) <= 1:
        return ""
    passed = [number for number, each in enumerate(made) if each.checks[check] is Verdict.PASS]
    title = next((each.title for each in result.findings if each.id == check), check)
    name = write.one_line(title, _MOST_CHARACTERS)
    if not passed:
        return f"{name} did not pass in {_runs_before(len(made) - 1, 'any of the')} either."
    first = passed[-1] + 1
    return f"{_since(name, made, first, len(passed))}{_new_versions(*made[first - 1 : first + 1])}"


def _since(name: str, made: Sequence[Entry], first: int, passed: int) -> str:
    """As in `New in this run: usage orders passed in each of the 5 runs before.`."""
    before = len(made) - 1
    if first < before:
        since = write.render_utc(made[first].started_at)
        return (f"Since the run of {since} ({len(made) - first:,} runs): {name} passed in the run "
                "before that.")  # fmt: skip
    share = "each of the" if passed == before else f"{passed:,} of the"
    return f"New in this run: {name} passed in {_runs_before(before, share)}."


def _runs_before(number: int, share: str) -> str:
    if number == 1:
        return "the earlier run that judged it"
    return f"{share} {number:,} earlier runs that judged it"


def _new_versions(before: Entry, first: Entry) -> str:
    """Name the services whose version changed with a run."""
    changed = [
        f"{write.one_line(name.removeprefix(_OF_SERVICE), _MOST_CHARACTERS)} from "
        f"{write.one_line(before.versions[name], _MOST_CHARACTERS)} to "
        f"{write.one_line(version, _MOST_CHARACTERS)}"
        for name, version in first.versions.items()
        if name.startswith(_OF_SERVICE) and before.versions.get(name, version) != version
    ]
    return f" With it the version changed: {', '.join(changed[:_MOST_CHECKS])}." if changed else ""


def _shift(result: Result, entries: Sequence[Entry]) -> Iterator[str]:
    """Yield a sentence for the last lasting change of the iteration's p95 on this machine."""
    alike = [each for each in entries if not is_of_another_file(result, each)]
    shifts = list(shifts_of(alike, result.machine, ITERATION, "p95"))
    if shifts:
        point = shifts[-1].point
        before, after = (write.render_seconds(each) for each in (point.before, point.after))
        yield (f"p95 of the iteration shifted from {before} to {after} "
               f"({write.render_change(point.change_ratio)}) with the run of "
               f"{write.render_utc(shifts[-1].first.started_at)}.")  # fmt: skip
