"""Tests of scripts/get_prometheus.py in a copied clone, with fake programs and a local mirror."""

import hashlib
import importlib.util
import io
import os
import platform
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.paths import ROOT

SCRIPT = ROOT / "scripts" / "get_prometheus.py"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


def read_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("get_prometheus", SCRIPT)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


get_prometheus = read_script()


def write_program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def pretend_prometheus(path: Path, version: str) -> Path:
    write_program(path.with_name("promtool"), "exit 0")
    return write_program(path, f"echo 'prometheus, version {version} (branch: HEAD)'")


class Clone:
    """A copy of the script, with a `PATH` that is one folder of the test."""

    def __init__(self, folder: Path) -> None:
        """Copy the script into the folder."""
        self.bin = folder / "bin"
        self.cache = folder / ".cache"
        self.script = folder / "scripts" / SCRIPT.name
        for made in (self.bin, self.script.parent):
            made.mkdir()
        self.script.write_bytes(SCRIPT.read_bytes())

    def get(self, **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {"PATH": str(self.bin), "PROMETHEUS_RELEASES_URL": NOWHERE, **environment}
        return subprocess.run(
            [sys.executable, self.script],
            env=settings,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def left(self) -> list[str]:
        return sorted(path.name for path in self.cache.iterdir())


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


class Mirror:
    """A folder of releases behind an HTTP server."""

    def __init__(self, folder: Path, url: str) -> None:
        """Publish one release for this platform, with its checksums."""
        self.url = url
        self.top = f"prometheus-{get_prometheus.VERSION}." + get_prometheus.platform_name(
            platform.system(), platform.machine()
        )
        release = folder / f"v{get_prometheus.VERSION}"
        release.mkdir(parents=True)
        self.archive = release / f"{self.top}.tar.gz"
        self.sums = release / "sha256sums.txt"
        self.publish("prometheus", "promtool")

    def publish(self, *programs: str) -> None:
        body = f"#!/bin/sh\necho 'prometheus, version {get_prometheus.VERSION}'\n".encode()
        with tarfile.open(self.archive, "w:gz") as tar:
            for name in (*programs, "LICENSE", "../../escaped"):
                member = tarfile.TarInfo(f"{self.top}/{name}")
                member.size = len(body)
                tar.addfile(member, io.BytesIO(body))
        digest = hashlib.sha256(self.archive.read_bytes()).hexdigest()
        self.sums.write_text(f"{'0' * 64}  another.tar.gz\n{digest}  {self.archive.name}\n")


class Silent(SimpleHTTPRequestHandler):
    """Serve files without logging."""

    def log_message(self, *_: object) -> None:
        """Do not log."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    folder = tmp_path / "mirror"
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Mirror(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_the_named_binary_has_precedence_over_the_path(clone: Clone, tmp_path: Path) -> None:
    pretend_prometheus(clone.bin / "prometheus", "2.1.0")
    named = pretend_prometheus(tmp_path / "elsewhere" / "prometheus", "2.2.0")

    done = clone.get(PROMETHEUS=str(named))

    assert done.stdout == f"prometheus  2.2.0 from $PROMETHEUS ({named})\n"
    assert (clone.cache / "prometheus").resolve() == named
    assert (clone.cache / "promtool").resolve() == named.with_name("promtool")


def test_a_wrong_name_is_an_error_even_if_the_path_has_a_prometheus(clone: Clone) -> None:
    pretend_prometheus(clone.bin / "prometheus", "2.1.0")

    done = clone.get(PROMETHEUS="/no/such/prometheus")

    assert done.returncode == 1
    assert done.stderr == (
        "prometheus: PROMETHEUS names /no/such/prometheus, which is not a program: "
        "correct or unset it.\n"
    )
    assert clone.left() == []


def test_a_named_program_that_is_not_prometheus_is_an_error(clone: Clone) -> None:
    other = write_program(clone.bin / "other", "echo other")

    done = clone.get(PROMETHEUS=str(other))

    assert done.returncode == 1
    assert "does not answer --version as Prometheus does: correct or unset it." in done.stderr


def test_the_path_has_precedence_over_the_release(clone: Clone, mirror: Mirror) -> None:
    here = pretend_prometheus(clone.bin / "prometheus", "2.1.0")

    done = clone.get(PROMETHEUS_RELEASES_URL=mirror.url)

    assert done.stdout == f"prometheus  2.1.0 from PATH ({here})\n"
    assert (clone.cache / "prometheus").readlink() == here


def test_a_binary_on_the_path_that_does_not_run_is_skipped(clone: Clone, mirror: Mirror) -> None:
    write_program(clone.bin / "prometheus", "exit 1")

    done = clone.get(PROMETHEUS_RELEASES_URL=mirror.url)

    assert done.returncode == 0
    assert "none from PATH" in done.stdout
    assert f"{get_prometheus.VERSION} from the release archive" in done.stdout


def pretend_debian(clone: Clone, apt_get: str) -> None:
    write_program(clone.bin / "apt-get", apt_get)
    unpack = pretend_prometheus(clone.bin.parent / "package" / "prometheus", "2.3.0").parent
    copy = f'/bin/mkdir -p "$3/usr"; /bin/cp -R {unpack} "$3/usr/bin"'
    write_program(clone.bin / "dpkg-deb", copy)


def test_the_debian_package_is_unpacked_into_the_cache(clone: Clone) -> None:
    pretend_debian(clone, ": > prometheus_2.3.0_amd64.deb")

    done = clone.get()

    assert "2.3.0 from Debian's package" in done.stdout
    assert clone.left() == ["prometheus", "prometheus_2.3.0_amd64", "promtool"]


def test_without_package_lists_apt_updates_private_ones(clone: Clone, tmp_path: Path) -> None:
    calls = tmp_path / "calls"
    pretend_debian(
        clone,
        f"""echo "$@" >> {calls}
        case "$*" in
            *Dir::State=*download*) : > prometheus_2.3.0_amd64.deb ;;
            *download*) echo 'E: Unable to locate package prometheus' >&2; exit 100 ;;
        esac""",
    )

    done = clone.get()

    assert "2.3.0 from Debian's package" in done.stdout
    first, second, third = calls.read_text().splitlines()
    assert "Dir::State=" not in first
    assert second.endswith(" update")
    assert f"Dir::State={clone.cache}" in second
    assert third.endswith(" download prometheus")


def test_the_release_is_unpacked_and_linked_relatively(clone: Clone, mirror: Mirror) -> None:
    done = clone.get(PROMETHEUS_RELEASES_URL=f"{mirror.url}/")

    assert f"{get_prometheus.VERSION} from the release archive" in done.stdout
    assert clone.left() == ["prometheus", mirror.top, "promtool"]
    assert (clone.cache / "prometheus").readlink() == Path(mirror.top, "prometheus")
    assert os.access(clone.cache / "promtool", os.X_OK)
    unpacked = sorted(path.name for path in (clone.cache / mirror.top).iterdir())
    assert unpacked == ["prometheus", "promtool"]


def test_an_archive_with_a_wrong_checksum_is_refused_and_removed(
    clone: Clone, mirror: Mirror
) -> None:
    with mirror.archive.open("ab") as archive:
        archive.write(b"one byte more")

    done = clone.get(PROMETHEUS_RELEASES_URL=mirror.url)

    assert done.returncode == 1
    assert f"{mirror.archive.name} does not match the release's sha256sums.txt" in done.stdout
    assert clone.left() == []


def test_an_archive_without_a_published_checksum_is_refused(clone: Clone, mirror: Mirror) -> None:
    mirror.sums.write_text(f"{'0' * 64}  another.tar.gz\n")

    done = clone.get(PROMETHEUS_RELEASES_URL=mirror.url)

    assert done.returncode == 1
    assert clone.left() == []


def test_an_archive_without_promtool_is_refused(clone: Clone, mirror: Mirror) -> None:
    mirror.publish("prometheus")

    done = clone.get(PROMETHEUS_RELEASES_URL=mirror.url)

    assert f"{mirror.archive.name} is not an archive of Prometheus" in done.stdout
    assert clone.left() == []


def test_if_no_source_has_a_prometheus_the_error_is_one_sentence(clone: Clone) -> None:
    done = clone.get()

    assert done.returncode == 1
    assert done.stderr == (
        "prometheus: no source has a Prometheus: check the network, or install Prometheus, "
        "or set PROMETHEUS to its binary.\n"
    )
    assert f"none from the release archive: {NOWHERE}" in done.stdout


def test_a_second_call_changes_nothing(clone: Clone, mirror: Mirror) -> None:
    clone.get(PROMETHEUS_RELEASES_URL=mirror.url)
    before = (clone.cache / "prometheus").lstat()  # reading a link changes its atime

    done = clone.get(PROMETHEUS_RELEASES_URL=NOWHERE)

    assert done.stdout == f"prometheus  up to date ({clone.cache / mirror.top / 'prometheus'})\n"
    after = (clone.cache / "prometheus").lstat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_to_nothing_is_replaced(clone: Clone) -> None:
    clone.cache.mkdir()
    (clone.cache / "prometheus").symlink_to("/no/such/prometheus")
    here = pretend_prometheus(clone.bin / "prometheus", "2.1.0")

    assert clone.get().returncode == 0
    assert (clone.cache / "prometheus").readlink() == here


def test_another_named_binary_replaces_the_link(clone: Clone, tmp_path: Path) -> None:
    pretend_prometheus(clone.bin / "prometheus", "2.1.0")
    named = pretend_prometheus(tmp_path / "elsewhere" / "prometheus", "2.2.0")
    clone.get()

    clone.get(PROMETHEUS=str(named))

    assert (clone.cache / "prometheus").readlink() == named


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-amd64"),
    ],
)
def test_a_platform_is_spelled_as_in_the_releases(system: str, machine: str, name: str) -> None:
    assert get_prometheus.platform_name(system, machine) == name


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64")])
def test_a_platform_without_an_archive_is_named(system: str, machine: str) -> None:
    with pytest.raises(get_prometheus.UnavailableError, match=f"{system} on {machine}"):
        get_prometheus.platform_name(system, machine)
