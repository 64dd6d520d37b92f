"""Backends that want to be asked in the right way: real TLS, real Prometheus, real passwords."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

import pytest

from config.client_certificate import ClientCertificate
from tests.paths import ROOT
from tests.tiny_server import in_background

_START_S = 60.0
_POLL_S = 0.02
# Where Debian has servers, which not every user's PATH names.
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


@dataclass(frozen=True)
class Certificates:
    """A CA of our own, and what it signed: PEM files."""

    ca: Path
    certificate: Path
    key: Path

    def of_client(self) -> ClientCertificate:
        """Return the certificate as one that a client shows."""
        return ClientCertificate(file=str(self.certificate), key=str(self.key))


def sign(folder: Path, names: str = "IP:127.0.0.1", days: int = 30) -> Certificates:
    """Make a CA and a server's certificate for some names, as in `IP:127.0.0.1,DNS:host`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(*(folder / name for name in ("ca.pem", "server.pem", "server.key")))
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl("req", "-x509", *key, "-keyout", f"{folder}/ca.key", "-out", str(made.ca),
             "-days", "30", "-subj", "/CN=A test's CA")  # fmt: skip
    _openssl("req", *key, "-keyout", str(made.key), "-out", f"{folder}/server.csr",
             "-subj", "/CN=a test's server")  # fmt: skip
    extensions = folder / "extensions"
    extensions.write_text(f"subjectAltName={names}\n")
    _openssl("x509", "-req", "-in", f"{folder}/server.csr", "-CA", str(made.ca),
             "-CAkey", f"{folder}/ca.key", "-CAcreateserial", "-days", str(days),
             "-extfile", str(extensions), "-out", str(made.certificate))  # fmt: skip
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run([find_program("openssl"), *arguments], check=True, capture_output=True)


@dataclass
class Heard:
    """What a server was asked: paths, and the headers of each request."""

    url: str
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class Exchange:
    """One request of which a test decides what is written back, byte by byte if it likes."""

    def __init__(self, handler: BaseHTTPRequestHandler, over: Event) -> None:
        """Write nothing yet; `over` is set when the test is."""
        self._handler = handler
        self.path = handler.path
        self.headers = handler.headers
        self.over = over

    def say(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer, with a length unless it is given; `Content_Type` is Content-Type."""
        self._handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self._handler.send_header(name.replace("_", "-"), value)
        self._handler.end_headers()
        self.write(body)

    def write(self, content: bytes) -> None:
        """Write what is no answer by itself."""
        self._handler.wfile.write(content)

    def hang_up(self) -> None:
        """Close the connection after this."""
        self._handler.close_connection = True


@contextmanager
def answering(
    answer: Callable[[Exchange], None],
    certificates: Certificates | None = None,
    clients_ca: Path | None = None,
) -> Iterator[Heard]:
    """Serve on a free port, with TLS where certificates are given.

    With the CA of clients, each of them has to show a certificate.
    """
    over = Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            heard.paths.append(self.path)
            heard.headers.append(dict(self.headers.items()))
            answer(Exchange(self, over))

        def log_message(self, *_: object) -> None:
            """Write no log."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what some tests want."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.certificate, certificates.key)
            if clients_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients_ca)
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if certificates else "http"
        heard = Heard(f"{scheme}://127.0.0.1:{server.server_port}")
        with in_background(server):
            try:
                yield heard
            finally:
                over.set()


def find_program(name: str) -> str:
    """Return a program's path; without it the test is skipped, but never in CI."""
    linked = ROOT / ".cache" / name
    named = os.environ.get("PROMETHEUS") if name == "prometheus" else None
    if found := named or shutil.which(linked) or shutil.which(name, path=_PATH):
        return found
    if os.environ.get("CI"):
        pytest.fail(f"there is no {name} here, and CI has to have one: see .ci/run")
    pytest.skip(f"there is no {name} here")


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def write_scraping(folder: Path, job: str, target: str, **settings: object) -> Path:
    """Write a configuration of one job that is scraped five times a second."""
    scrape = {"job_name": job, "static_configs": [{"targets": [target]}], **settings}
    path = folder / "scrape.json"
    pace = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
    path.write_text(json.dumps({"global": pace, "scrape_configs": [scrape]}))
    return path


@contextmanager
def running(command: list[str], well: str, folder: Path) -> Iterator[None]:
    """Start a program, wait until an address answers anything at all, and stop it in the end."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _START_S
        while not _answers(well):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(_POLL_S)
        yield
    finally:
        process.terminate()
        process.wait(_START_S)


def _answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0
