#!/usr/bin/env python3
"""Which Prometheus does this clone run? Find one or fetch one, and link `.cache/prometheus` to it.

The sources, in order: `$PROMETHEUS`; the `PATH`; Debian's package; the official release archive,
from `$PROMETHEUS_RELEASES_URL` where a mirror is nearer. `.cache/promtool` is linked likewise.
Nothing is installed: Debian's package is only unpacked, since installing it starts a service.
"""

import hashlib
import http.client
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

VERSION = "3.5.0"
RELEASES_URL = "https://github.com/prometheus/prometheus/releases/download"
CACHE = Path(__file__).resolve().parents[1] / ".cache"


class SetUpError(Exception):
    """One sentence with the remedy: there is nothing else to try."""


class UnavailableError(Exception):
    """A clause that says why this source has no Prometheus: the next one may."""


@dataclass(frozen=True)
class Found:
    """A Prometheus that answered when asked for its version."""

    binary: Path
    version: str
    source: str


def main() -> int:
    """Link a Prometheus, saying in one line which; exit 1 with one sentence if there is none."""
    CACHE.mkdir(exist_ok=True)
    try:
        linked = find_linked()
        if linked:
            say(f"up to date ({linked})")
        else:
            found = find_prometheus()
            link(found.binary)
            say(f"{found.version} from {found.source} ({found.binary})")
    except SetUpError as error:
        print(f"prometheus: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def say(what: str) -> None:
    """Print one line, in the column that `scripts/setup` uses."""
    print(f"prometheus  {what}", flush=True)


def find_linked() -> Path | None:
    """Return what `.cache/prometheus` points at, unless it is gone or `$PROMETHEUS` names another.

    It is not started to see whether it runs: that was done when it was linked.
    """
    here = CACHE / "prometheus"
    if not os.access(here, os.X_OK):
        return None
    named = os.environ.get("PROMETHEUS")
    if named:
        binary = shutil.which(named)
        if binary is None or not here.samefile(binary):
            return None
    return here.resolve()


def find_prometheus() -> Found:
    """Ask every source in order, saying why one is passed over; `SetUpError` if all are."""
    for source, take in SOURCES:
        try:
            binary = take()
            if binary:
                return Found(binary, read_version(binary), source)
        except UnavailableError as reason:
            say(f"none from {source}: {reason}")
    raise SetUpError(
        "no source has one: check the network, or install Prometheus, "
        "or set PROMETHEUS to the binary of one."
    )


def read_version(binary: Path) -> str:
    """Return the version that the binary says it has, as in `3.5.0`."""
    try:
        answer = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{binary} does not run ({error})") from error
    # Prometheus 2 before 2.45 says it on standard error.
    version = re.search(r"prometheus, version (\d+\.\d+\.\d+)", answer.stdout + answer.stderr)
    if version is None:
        raise UnavailableError(f"{binary} does not answer --version as Prometheus does")
    return version[1]


def take_named() -> Path | None:
    """Return what `$PROMETHEUS` names; a wrong name is a mistake to report, never to guess at."""
    named = os.environ.get("PROMETHEUS")
    if not named:
        return None
    binary = shutil.which(named)
    if binary is None:
        raise SetUpError(f"PROMETHEUS names {named}, which is no program: correct or unset it.")
    try:
        read_version(Path(binary))
    except UnavailableError as reason:
        raise SetUpError(f"PROMETHEUS is wrong, {reason}: correct or unset it.") from reason
    return Path(binary).absolute()


def take_on_path() -> Path | None:
    """Return the first on the `PATH`, as it is named there: what a link says outlives upgrades."""
    binary = shutil.which("prometheus")
    return Path(binary).absolute() if binary else None


def take_debian_package() -> Path | None:
    """Unpack Debian's package into the cache, with or without root, and touch no system state."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="debian-") as scratch:
        package = download_package(Path(scratch))
        tree = Path(scratch, "tree")
        call(["dpkg-deb", "-x", str(package), str(tree)], Path(scratch))
        return settle(tree, CACHE / package.stem) / "usr/bin/prometheus"


def download_package(folder: Path) -> Path:
    """Download the package by the system's package lists; if they fail, by fresh private ones."""
    # Root's apt would drop its rights to a user who cannot enter the folder, and warn about it.
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    try:
        call([*apt, "download", "prometheus"], folder)
    except UnavailableError:
        apt += private_apt_options(folder / "apt")
        refresh_package_lists(apt, folder)
        call([*apt, "download", "prometheus"], folder)
    return next(folder.glob("prometheus_*.deb"))


def refresh_package_lists(apt: list[str], folder: Path) -> None:
    """Update the lists, whatever apt says: one stale repository of many must not stop the rest."""
    try:
        call([*apt, "update"], folder)
    except UnavailableError as reason:
        say(f"stale package lists may do ({reason})")


def private_apt_options(state: Path) -> list[str]:
    """Return the options that make apt keep its lists and caches in this folder, for any user."""
    (state / "lists/partial").mkdir(parents=True)
    (state / "cache/archives/partial").mkdir(parents=True)
    settings = {
        "Dir::State": state,
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": state / "cache",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def call(command: list[str], folder: Path) -> None:
    """Run a command in a folder; its last word on standard error is the reason of a failure."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnavailableError(f"{command[0]} says: {last}")


def take_release() -> Path | None:
    """Fetch the pinned release's archive, compare it with the published sums, and unpack it."""
    name = f"prometheus-{VERSION}.{platform_name(platform.system(), platform.machine())}"
    base = os.environ.get("PROMETHEUS_RELEASES_URL") or RELEASES_URL
    release_url = f"{base.rstrip('/')}/v{VERSION}"
    # A refused or half-written archive goes with its folder.
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="release-") as scratch:
        archive, sums = Path(scratch, f"{name}.tar.gz"), Path(scratch, "sha256sums.txt")
        download(f"{release_url}/{sums.name}", sums)
        download(f"{release_url}/{archive.name}", archive)
        check_sum(archive, sums)
        return settle(unpack(archive, name), CACHE / name) / "prometheus"


def platform_name(system: str, machine: str) -> str:
    """Return a platform as releases spell it, as in `linux-amd64`."""
    systems = {"Linux": "linux", "Darwin": "darwin"}
    machines = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    if system not in systems or machine.lower() not in machines:
        raise UnavailableError(f"no archive is known for {system} on {machine}")
    return f"{systems[system]}-{machines[machine.lower()]}"


def download(url: str, to: Path) -> None:
    """Write what the URL serves to a file, by way of the proxies that the environment names."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer, to.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"{url} is out of reach ({error})") from error


def check_sum(archive: Path, sums: Path) -> None:
    """Raise `UnavailableError` unless the archive has the SHA-256 that the release publishes."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if f"{digest}  {archive.name}" not in sums.read_text().splitlines():
        raise UnavailableError(
            f"{archive.name} does not match the release's sha256sums.txt and was removed"
        )


def unpack(archive: Path, top: str) -> Path:
    """Unpack the two programs, and nothing else, into a folder beside the archive."""
    tree = archive.with_name("tree")
    tree.mkdir()
    try:
        with tarfile.open(archive) as tar:
            for name in ("prometheus", "promtool"):
                copy_program(tar, f"{top}/{name}", tree / name)
    except (KeyError, tarfile.TarError) as error:
        raise UnavailableError(f"{archive.name} is no archive of Prometheus ({error})") from error
    return tree


def copy_program(tar: tarfile.TarFile, member: str, to: Path) -> None:
    """Write one member to a file that can be run; `KeyError` if it is missing or no file."""
    program = tar.extractfile(member)
    if program is None:
        raise KeyError(member)
    with program, to.open("wb") as file:
        shutil.copyfileobj(program, file)
    to.chmod(0o755)


def settle(tree: Path, home: Path) -> Path:
    """Move a complete tree home in one step, so that half of one is never found there."""
    shutil.rmtree(home, ignore_errors=True)
    return tree.rename(home)


def link(prometheus: Path) -> None:
    """Point `.cache/prometheus` at the binary, and `.cache/promtool` at the one beside it."""
    point(CACHE / "prometheus", prometheus)
    beside = shutil.which(prometheus.with_name("promtool")) or shutil.which("promtool")
    if beside:
        point(CACHE / "promtool", Path(beside).absolute())
    else:
        (CACHE / "promtool").unlink(missing_ok=True)


def point(here: Path, target: Path) -> None:
    """Replace a link in one step, relative inside the cache so that a moved clone keeps it."""
    fresh = here.with_name(f"{here.name}.{os.getpid()}")
    fresh.symlink_to(target.relative_to(CACHE) if target.is_relative_to(CACHE) else target)
    fresh.replace(here)


SOURCES: tuple[tuple[str, Callable[[], Path | None]], ...] = (
    ("$PROMETHEUS", take_named),
    ("PATH", take_on_path),
    ("Debian's package", take_debian_package),
    ("the release archive", take_release),
)

if __name__ == "__main__":
    sys.exit(main())
