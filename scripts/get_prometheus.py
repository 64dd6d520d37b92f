#!/usr/bin/env python3
"""Find or download Prometheus, and link `.cache/prometheus` and `.cache/promtool` to it.

The sources, in order: `$PROMETHEUS`; the `PATH`; Debian's package; the official release archive,
or a mirror of it at `$PROMETHEUS_RELEASES_URL`. Nothing is installed: Debian's package is only
unpacked, because installing it would start a service.
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
    """No Prometheus can be found; the message is one sentence with the remedy."""


class UnavailableError(Exception):
    """A source has no Prometheus; the message is the reason, and the next source is tried."""


@dataclass(frozen=True)
class Found:
    """A Prometheus that runs: its path, its version and its source."""

    binary: Path
    version: str
    source: str


def main() -> int:
    """Link a Prometheus, and print which; return 1 after an error."""
    CACHE.mkdir(exist_ok=True)
    try:
        linked = find_linked()
        if linked:
            report(f"up to date ({linked})")
        else:
            found = find_prometheus()
            link_programs(found.binary)
            report(f"{found.version} from {found.source} ({found.binary})")
    except SetUpError as error:
        print(f"prometheus: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def report(message: str) -> None:
    """Print one line, in the same columns as `scripts/setup`."""
    print(f"prometheus  {message}", flush=True)


def find_linked() -> Path | None:
    """Return the target of `.cache/prometheus`; None if it is missing or not `$PROMETHEUS`.

    It is not started: that was checked when it was linked.
    """
    linked = CACHE / "prometheus"
    if not os.access(linked, os.X_OK):
        return None
    named = os.environ.get("PROMETHEUS")
    if named:
        binary = shutil.which(named)
        if binary is None or not linked.samefile(binary):
            return None
    return linked.resolve()


def find_prometheus() -> Found:
    """Try the sources in order, and report why one is skipped. Raises SetUpError after the last."""
    for source, find in SOURCES:
        try:
            binary = find()
            if binary:
                return Found(binary, read_version(binary), source)
        except UnavailableError as reason:
            report(f"none from {source}: {reason}")
    raise SetUpError(
        "no source has a Prometheus: check the network, or install Prometheus, "
        "or set PROMETHEUS to its binary."
    )


def read_version(binary: Path) -> str:
    """Return the version that a binary reports, as in `3.5.0`. Raises UnavailableError."""
    try:
        ended = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{binary} does not run ({error})") from error
    # Before 2.45, Prometheus prints the version on standard error.
    version = re.search(r"prometheus, version (\d+\.\d+\.\d+)", ended.stdout + ended.stderr)
    if version is None:
        raise UnavailableError(f"{binary} does not answer --version as Prometheus does")
    return version[1]


def find_named() -> Path | None:
    """Return the binary that `$PROMETHEUS` names. Raises SetUpError if it is not a Prometheus."""
    named = os.environ.get("PROMETHEUS")
    if not named:
        return None
    binary = shutil.which(named)
    if binary is None:
        raise SetUpError(f"PROMETHEUS names {named}, which is not a program: correct or unset it.")
    try:
        read_version(Path(binary))
    except UnavailableError as reason:
        raise SetUpError(f"PROMETHEUS is wrong, {reason}: correct or unset it.") from reason
    return Path(binary).absolute()


def find_on_path() -> Path | None:
    """Return the first on the `PATH`, with links unresolved: the path survives an upgrade."""
    binary = shutil.which("prometheus")
    return Path(binary).absolute() if binary else None


def unpack_debian_package() -> Path | None:
    """Unpack Debian's package into the cache; this needs no root and changes no system state."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="debian-") as scratch:
        package = download_package(Path(scratch))
        tree = Path(scratch, "tree")
        run_command(["dpkg-deb", "-x", str(package), str(tree)], Path(scratch))
        return move_into_place(tree, CACHE / package.stem) / "usr/bin/prometheus"


def download_package(folder: Path) -> Path:
    """Download the package with the system's package lists or, if that fails, with private ones."""
    # As root, apt would drop to a user who cannot enter the folder, and print a warning.
    apt = ["apt-get", "-q", "-o", "APT::Sandbox::User=root"]
    try:
        run_command([*apt, "download", "prometheus"], folder)
    except UnavailableError:
        apt += private_apt_options(folder / "apt")
        refresh_package_lists(apt, folder)
        run_command([*apt, "download", "prometheus"], folder)
    return next(folder.glob("prometheus_*.deb"))


def refresh_package_lists(apt: list[str], folder: Path) -> None:
    """Update the package lists; an error is only reported: other repositories may have worked."""
    try:
        run_command([*apt, "update"], folder)
    except UnavailableError as reason:
        report(f"apt-get update failed, trying the lists as they are ({reason})")


def private_apt_options(state: Path) -> list[str]:
    """Return the options that make apt keep its lists and caches in a folder of ours."""
    (state / "lists/partial").mkdir(parents=True)
    (state / "cache/archives/partial").mkdir(parents=True)
    settings = {
        "Dir::State": state,
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": state / "cache",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def run_command(command: list[str], folder: Path) -> None:
    """Run a command in a folder. Raises UnavailableError with the last line of its errors."""
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
        raise UnavailableError(f"{command[0]}: {last}")


def download_release() -> Path | None:
    """Download the archive of the pinned release, verify its checksum, and unpack it."""
    name = f"prometheus-{VERSION}.{platform_name(platform.system(), platform.machine())}"
    base = os.environ.get("PROMETHEUS_RELEASES_URL") or RELEASES_URL
    release_url = f"{base.rstrip('/')}/v{VERSION}"
    # The folder is removed, and with it an archive that is refused or incomplete.
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="release-") as scratch:
        archive, sums = Path(scratch, f"{name}.tar.gz"), Path(scratch, "sha256sums.txt")
        download(f"{release_url}/{sums.name}", sums)
        download(f"{release_url}/{archive.name}", archive)
        check_sum(archive, sums)
        return move_into_place(unpack(archive, name), CACHE / name) / "prometheus"


def platform_name(system: str, machine: str) -> str:
    """Return a platform in the spelling of the releases, as in `linux-amd64`."""
    systems = {"Linux": "linux", "Darwin": "darwin"}
    machines = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
    if system not in systems or machine.lower() not in machines:
        raise UnavailableError(f"there is no archive for {system} on {machine}")
    return f"{systems[system]}-{machines[machine.lower()]}"


def download(url: str, to: Path) -> None:
    """Download a URL to a file, through the proxies of the environment variables."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response, to.open("wb") as file:
            shutil.copyfileobj(response, file)
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"{url} cannot be downloaded ({error})") from error


def check_sum(archive: Path, sums: Path) -> None:
    """Raise UnavailableError unless the SHA-256 of the archive is the published one."""
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if f"{digest}  {archive.name}" not in sums.read_text().splitlines():
        raise UnavailableError(
            f"{archive.name} does not match the release's sha256sums.txt and was removed"
        )


def unpack(archive: Path, top: str) -> Path:
    """Unpack only the two programs, into a folder next to the archive."""
    tree = archive.with_name("tree")
    tree.mkdir()
    try:
        with tarfile.open(archive) as tar:
            for name in ("prometheus", "promtool"):
                copy_program(tar, f"{top}/{name}", tree / name)
    except (KeyError, tarfile.TarError) as error:
        raise UnavailableError(
            f"{archive.name} is not an archive of Prometheus ({error})"
        ) from error
    return tree


def copy_program(tar: tarfile.TarFile, member: str, to: Path) -> None:
    """Extract one member as an executable file. Raises KeyError if it is not a file in there."""
    program = tar.extractfile(member)
    if program is None:
        raise KeyError(member)
    with program, to.open("wb") as file:
        shutil.copyfileobj(program, file)
    to.chmod(0o755)


def move_into_place(tree: Path, destination: Path) -> Path:
    """Replace a folder by a complete tree in one step, so that an incomplete one never exists."""
    shutil.rmtree(destination, ignore_errors=True)
    return tree.rename(destination)


def link_programs(prometheus: Path) -> None:
    """Link `.cache/prometheus` to the binary, and `.cache/promtool` to the one next to it."""
    replace_link(CACHE / "prometheus", prometheus)
    promtool = shutil.which(prometheus.with_name("promtool")) or shutil.which("promtool")
    if promtool:
        replace_link(CACHE / "promtool", Path(promtool).absolute())
    else:
        (CACHE / "promtool").unlink(missing_ok=True)


def replace_link(link: Path, target: Path) -> None:
    """Replace a link in one step; inside the cache it is relative, so that a clone can be moved."""
    fresh = link.with_name(f"{link.name}.{os.getpid()}")
    fresh.symlink_to(target.relative_to(CACHE) if target.is_relative_to(CACHE) else target)
    fresh.replace(link)


SOURCES: tuple[tuple[str, Callable[[], Path | None]], ...] = (
    ("$PROMETHEUS", find_named),
    ("PATH", find_on_path),
    ("Debian's package", unpack_debian_package),
    ("the release archive", download_release),
)

if __name__ == "__main__":
    sys.exit(main())
