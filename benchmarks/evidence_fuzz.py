"""Mutate the evidence of a run at random, and judge and render what is left of it.

    python -m benchmarks.evidence_fuzz --mutations 10000 [--seed 1] [--run runs/latest]

Each mutation is made in a copy of the run: as it was found (its manifest knows the change), or with
a new manifest (a forger's, or damage before the end of the run). `check` and `report` must end with
one sentence or a verdict, write nothing beside the run's folder, and never pass a torn recording.
Ctrl-C ends it, and prints what was found.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import random
import resource
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from checks.verdict import Verdict, exit_code
from commands.check import check
from commands.report import report
from config.errors import ConfigError
from scenarios.evidence.generator_health import HEALTH
from scenarios.evidence.manifest import NAME, write_manifest
from scenarios.evidence.run_folder import RunFolder

Mutation = Callable[[Path, random.Random], None]

_REFUSED = 2
_HUGE_FILE = 1_000_000_000_000
_STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 10**400, 1e308, "", "../../../../tmp/x", "/dev/zero", "\0", "\ud800", [], {},
    [None] * 1_000, {"a": {"b": []}}, "x" * 100_000, "{{ 7*7 }}", "nan", "9999-12-31T23:59:59Z",
)  # fmt: skip


def flip_a_bit(path: Path, chance: random.Random) -> None:
    """Flip one bit."""
    content = bytearray(path.read_bytes() or b"\0")
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def truncate(path: Path, chance: random.Random) -> None:
    """Cut the end off."""
    os.truncate(path, chance.randrange(path.stat().st_size + 1))


def insert_bytes(path: Path, chance: random.Random) -> None:
    """Insert bytes that are no text."""
    content = path.read_bytes()
    at = chance.randrange(len(content) + 1)
    path.write_bytes(content[:at] + chance.choice((b"\0", b"\xff\xfe", b"NaN", b"[" * 5_000, b'"'))
                     + content[at:])  # fmt: skip


def change_lines(path: Path, chance: random.Random) -> None:
    """Remove a line, repeat one, or exchange two."""
    lines = path.read_bytes().splitlines(keepends=True) or [b""]
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(3):
        case 0:
            del lines[first]
        case 1:
            lines.insert(first, lines[second])
        case _:
            lines[first], lines[second] = lines[second], lines[first]
    path.write_bytes(b"".join(lines))


def change_a_value(path: Path, chance: random.Random) -> None:
    """Replace a value of a JSON document, or of one of its lines, by one of another type."""
    lines = path.read_bytes().splitlines() if path.suffix == ".jsonl" else [path.read_bytes()]
    number = chance.randrange(len(lines)) if lines else 0
    try:
        document = json.loads(lines[number])
    except (ValueError, IndexError):
        flip_a_bit(path, chance)
        return
    places = list(_places(document))
    if not places:
        flip_a_bit(path, chance)
        return
    holder, key = chance.choice(places)
    holder[key] = chance.choice(_STRANGE)
    lines[number] = json.dumps(document).encode()
    path.write_bytes(b"\n".join(lines))


def rename_a_key(path: Path, chance: random.Random) -> None:
    """Give a member another name, one that is a path among them."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        truncate(path, chance)
        return
    places = [(holder, key) for holder, key in _places(document) if isinstance(holder, dict)]
    if places:
        holder, key = chance.choice(places)
        holder[chance.choice(("../../x", "/etc/passwd", "", "x" * 5_000))] = holder.pop(key)
        path.write_text(json.dumps(document))


def remove(path: Path, _: random.Random) -> None:
    """Remove the file."""
    path.unlink()


def replace_by_something_else(path: Path, chance: random.Random) -> None:
    """Put a link, a FIFO, a folder, a device or a sparse file in the place of the file."""
    path.unlink()
    match chance.randrange(6):
        case 0:
            path.symlink_to(path.parents[3] / "outside.txt")
        case 1:
            os.mkfifo(path)
        case 2:
            path.mkdir()
        case 3:
            path.symlink_to("/dev/zero")
        case 4 if os.geteuid() == 0:
            with contextlib.suppress(PermissionError):
                os.mknod(path, 0o020666, os.makedev(1, 5))
        case _:
            path.touch()
            os.truncate(path, _HUGE_FILE)


MUTATIONS: tuple[Mutation, ...] = (
    flip_a_bit, truncate, insert_bytes, change_lines, change_a_value, change_a_value, rename_a_key,
    remove, replace_by_something_else,
)  # fmt: skip


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it printed, and the error that escaped it."""

    code: int
    printed: str
    error: str = ""


def ended(command: Callable[..., Any], folder: Path) -> Ended:
    """Run a command in this process."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            command(str(folder), folder.parent, as_json=False)
        except typer.Exit as exit_:
            return Ended(exit_.exit_code, output.getvalue())
        except ConfigError as error:
            return Ended(_REFUSED, output.getvalue() + str(error))
        except OSError as error:
            # run.py makes a sentence of it
            return Ended(exit_code(Verdict.INCONCLUSIVE), output.getvalue() + str(error))
        except Exception as error:
            return Ended(-1, output.getvalue(), f"{type(error).__name__}: {error}")
    return Ended(0, output.getvalue())


def surroundings(place: Path, folder: Path) -> dict[str, tuple[int, int]]:
    """Return the size and time of everything beside a run's folder."""
    found = {}
    for root, folders, files in os.walk(place):
        folders[:] = [name for name in folders if Path(root, name) != folder]
        for name in (*folders, *files):
            status = Path(root, name).lstat()
            found[str(Path(root, name))] = (status.st_size, status.st_mtime_ns)
    return found


@dataclass
class Outcome:
    """What the mutations came to: exit codes by command, and what must not be."""

    codes: Counter[str]
    faults: list[str]
    mutations: int = 0


def fuzz(run: Path, mutations: int, seed: int) -> Outcome:
    """Mutate a run so often, each time in a fresh copy."""
    logging.getLogger().addHandler(logging.NullHandler())  # as of run.py
    chance, outcome = random.Random(seed), Outcome(Counter(), [])  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory(prefix="evidence-fuzz-") as temporary:
        place = Path(temporary).resolve()
        folder = place / "runs" / run.name
        folder.parent.mkdir()
        (place / "outside.txt").write_text("outside")
        for number in range(mutations):
            shutil.copytree(run, folder, symlinks=True)
            try:
                _mutate_once(place, folder, chance, outcome, f"seed {seed}, mutation {number}")
                outcome.mutations += 1
            except KeyboardInterrupt:
                break
            finally:
                shutil.rmtree(folder)
    return outcome


def _mutate_once(
    place: Path, folder: Path, chance: random.Random, outcome: Outcome, name: str
) -> None:
    files = sorted(path for path in (folder / "evidence").rglob("*") if path.is_file())
    path = chance.choice([*files, folder / "result.json", folder / "run.log"])
    path.touch()
    mutation, is_forged = chance.choice(MUTATIONS), chance.choice((True, False))
    before = path.read_bytes()
    mutation(path, chance)
    is_changed = path.is_symlink() or not path.is_file() or path.stat().st_size > len(before) * 9
    is_changed = is_changed or path.read_bytes() != before
    is_evidence = path.is_relative_to(folder / "evidence")
    if is_forged:
        with contextlib.suppress(ConfigError, OSError):
            write_manifest(RunFolder(folder))
    known = surroundings(place, folder)
    name = f"{name} ({mutation.__name__} of {path.name}{', forged' if is_forged else ''})"
    for command in (report, check):
        end = ended(command, folder)
        outcome.codes[f"{command.__name__} {end.code}"] += 1
        if end.error or "Traceback" in end.printed:
            outcome.faults.append(f"{name}: {command.__name__}: {end.error or end.printed[-200:]}")
        if surroundings(place, folder) != known:
            outcome.faults.append(f"{name}: {command.__name__} wrote beside the run")
        # lines of the manifest may stand in any order
        is_torn = is_changed and is_evidence and not is_forged
        is_torn &= path.name != NAME or mutation is not change_lines
        # nothing is judged by the health of a generator: a torn row of it is left out
        is_recording = path.parent.name == "exchanges" and path.suffix != HEALTH
        is_torn |= is_changed and is_recording and mutation in (truncate, remove)
        if command is check and is_torn and end.code not in (3, _REFUSED):
            outcome.faults.append(f"{name}: exit code {end.code}, of a torn recording")


def main() -> int:
    """Print the counts and every fault; 1 if there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", type=Path, required=True)
    options = parser.parse_args()
    outcome = fuzz(options.run.resolve(), options.mutations, options.seed)
    for name, count in sorted(outcome.codes.items()):
        print(f"{name:<10} {count:>7,}")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{outcome.mutations:,} mutations, {len(outcome.faults)} faults, {peak_mb:,.0f} MB at most"
    )
    print(*outcome.faults[:50], sep="\n")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
