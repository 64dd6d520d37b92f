"""A MariaDB server of one test process, and databases in it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pymysql
from sqlalchemy import URL

from tests.secured_servers import find_program, free_port, sign

_STARTS_WITHIN_S = 120  # of a busy machine; it only guards against hanging
# Far from UTC: label values must not depend on the time zone of the server.
_OPTIONS = (
    "--bind-address=127.0.0.1", "--skip-name-resolve", "--default-time-zone=+05:30",
    "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M",
    "--innodb-flush-log-at-trx-commit=0", "--secure-file-priv=", "--event-scheduler=OFF",
)  # fmt: skip


@contextmanager
def mariadb_server() -> Iterator[URL]:
    """Run a server within the block; its address has root, its socket and its CA."""
    server, install = find_program("mariadbd"), find_program("mariadb-install-db")
    with TemporaryDirectory(prefix="mariadb-") as folder:
        tls = sign(Path(folder, "tls"))
        place = [f"--datadir={folder}/data", *(["--user=root"] if os.getuid() == 0 else [])]
        subprocess.run(
            [install, "--no-defaults", *place, "--auth-root-authentication-method=normal",
             "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=4M"],
            check=True, capture_output=True,
        )  # fmt: skip
        port, log = free_port(), Path(folder, "server.log")
        with log.open("wb") as output, subprocess.Popen(
            [server, "--no-defaults", *place, f"--socket={folder}/socket", f"--port={port}",
             f"--pid-file={folder}/pid", f"--ssl-cert={tls.certificate}", f"--ssl-key={tls.key}",
             *_OPTIONS],
            stdout=output, stderr=output,
        ) as process:  # fmt: skip
            try:
                address = URL.create("mysql+pymysql", "root", "", "127.0.0.1", port)
                _wait(address, process, log)
                yield address.update_query_dict(
                    {"unix_socket": f"{folder}/socket", "ssl_ca": str(tls.ca)}
                )
            finally:
                process.terminate()
                process.wait()


@contextmanager
def mariadb_database(server: URL) -> Iterator[str]:
    """Create a database on the server, yield its URL, and drop it."""
    name = f"test_{uuid4().hex}"
    administer(server, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        yield server.set(database=name, query={}).render_as_string(hide_password=False)
    finally:
        administer(server, f"DROP DATABASE {name}")


def administer(server: URL, *statements: str) -> None:
    """Run statements as root, each in its own transaction."""
    with pymysql.connect(
        host="127.0.0.1", port=server.port or 0, user="root", autocommit=True
    ) as connection:
        for statement in statements:
            connection.cursor().execute(statement)


def _wait(address: URL, process: subprocess.Popen[bytes], log: Path) -> None:
    ends_at = time.monotonic() + _STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < ends_at:
        try:
            administer(address, "SELECT 1")
        except pymysql.err.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace")[-2000:])
