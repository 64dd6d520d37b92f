"""Addresses of MySQL: what they say of the connection, and what they may not."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from tests.mariadb_server import administer, mariadb_database
from tests.mysql_messages import GREETING, message
from tests.secured_servers import sign
from tests.witnesses.database.queries import query_shop
from witnesses.database.dialect import DatabaseDown
from witnesses.database.mysql_line import open_line

CIPHER = "SELECT variable_value FROM information_schema.session_status " \
         "WHERE variable_name = 'Ssl_cipher'"  # fmt: skip


def _refused(url: str) -> str:
    watched: list[int] = []
    with pytest.raises(DatabaseDown) as refused:
        open_line(make_url(url), 1, watched.append)
    assert not watched
    return str(refused.value)


@pytest.mark.parametrize(
    "parameter",
    ["local_infile=1", "init_command=DROP", "read_default_file=/etc/passwd", "client_flag=65536",
     "autocommit=true", "ssl_ca=/a&ssl_ca=/b", "nosuch=1"],
)  # fmt: skip
def test_a_parameter_that_could_change_more_than_the_connection_is_refused(parameter: str) -> None:
    error = _refused(f"mysql://ada@127.0.0.1:1/shop?{parameter}")
    assert error.startswith(f"its address has the parameter '{parameter.partition('=')[0]}'; ")
    assert "known are charset, ssl_ca, ssl_cert, ssl_key, ssl_mode, unix_socket" in error


def test_a_mode_that_is_unknown_is_refused_with_those_that_are_known() -> None:
    assert _refused("mysql://ada@127.0.0.1:1/shop?ssl-mode=TRUE") == (
        "its address has an unknown ssl_mode; known are "
        "disabled, preferred, required, verify_ca, verify_identity"
    )


@pytest.mark.parametrize("key", ["ssl_ca", "ssl-cert", "SSL_CA"])
def test_a_certificate_that_is_not_there_is_named(key: str) -> None:
    error = _refused(f"mysql://ada@127.0.0.1:1/shop?ssl_mode=verify_ca&{key}=/nowhere/ca.pem")
    assert error == "there is no file /nowhere/ca.pem"


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("Dear diary")
    error = _refused(f"mysql://ada@127.0.0.1:1/shop?ssl_ca={path}")
    assert error.startswith("its certificates cannot be read: ")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1:1/shop", "no connection to 127.0.0.1:1: Connection refused"),
        ("127.0.0.1:99999/shop", "its address has an invalid port number: 99999"),
        ("localhost/shop?unix_socket=/nowhere/socket",
         "no connection to /nowhere/socket: No such file or directory"),
    ],
)  # fmt: skip
def test_a_server_that_is_not_there_is_named_without_its_password(
    address: str, reason: str
) -> None:
    assert _refused(f"mysql://ada:hunter2@{address}") == reason


@pytest.mark.parametrize("plugin", [b"mysql_clear_password", b"dialog", b"mysql_old_password"])
def test_no_server_gets_the_password_in_plain_text_over_a_plain_connection(plugin: bytes) -> None:
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def ask_for_the_password() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(message(0, GREETING))
                received.append(connection.recv(65_536))
                connection.sendall(message(2, b"\xfe" + plugin + b"\x00Password: "))
                received.append(connection.recv(65_536))

        thread = threading.Thread(target=ask_for_the_password)
        thread.start()
        address = f"mysql://ada:hunter2@127.0.0.1:{listener.getsockname()[1]}/shop"
        with pytest.raises(DatabaseDown, match="in plain text; write ssl_mode=required"):
            query_shop(address, "SELECT 1")
        thread.join()
    assert b"ada" in received[0]
    assert b"hunter2" not in b"".join(received)
    assert received[1] == b""


@pytest.fixture
def shop(mariadb: URL) -> Iterator[URL]:
    """Name a database of a server with a certificate for 127.0.0.1."""
    with mariadb_database(mariadb) as url:
        yield make_url(url)


def _asked(address: URL, query: str = CIPHER, **parameters: str) -> list[list[object]]:
    url = address.update_query_dict(parameters)
    return query_shop(url.render_as_string(hide_password=False), query)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["", "preferred", "REQUIRED", "verify-ca", "verify_identity"])
def test_a_connection_is_encrypted_unless_its_address_disables_it(
    mariadb: URL, shop: URL, mode: str
) -> None:
    parameters = {"ssl_mode": mode} if mode else {}
    authority = {"ssl_ca": str(mariadb.query["ssl_ca"])} if "verify" in mode else {}
    assert _asked(shop, **parameters, **authority) != [[""]]
    assert _asked(shop, **{"ssl_mode": "disabled"}) == [[""]]


@pytest.mark.long
def test_a_server_that_its_authority_did_not_sign_is_refused(shop: URL, tmp_path: Path) -> None:
    other = sign(tmp_path)
    for mode in ({}, {"ssl_mode": "verify_identity"}):
        with pytest.raises(DatabaseDown, match="certificate verify failed"):
            _asked(shop, ssl_ca=str(other.ca), **mode)


@pytest.mark.long
def test_the_host_is_compared_only_where_the_address_demands_it(mariadb: URL, shop: URL) -> None:
    authority = {"ssl_ca": str(mariadb.query["ssl_ca"])}
    elsewhere = shop.set(host="localhost")
    assert _asked(elsewhere, **authority) != [[""]]
    with pytest.raises(DatabaseDown, match="Hostname mismatch"):
        _asked(elsewhere, ssl_mode="verify_identity", **authority)


@pytest.mark.long
def test_a_socket_is_an_address_too(mariadb: URL, shop: URL) -> None:
    local = shop.set(host="nosuch.invalid")
    assert _asked(local, "SELECT 1", unix_socket=str(mariadb.query["unix_socket"])) == [[1]]


@pytest.mark.long
def test_a_password_of_any_characters_is_accepted(mariadb: URL, shop: URL) -> None:
    administer(mariadb, "CREATE USER 'ünal'@'127.0.0.1' IDENTIFIED BY 'hün/t@r'",
               f"GRANT SELECT ON {shop.database}.* TO 'ünal'@'127.0.0.1'")  # fmt: skip
    try:
        assert _asked(shop.set(username="ünal", password="hün/t@r"), "SELECT 1") == [[1]]
        with pytest.raises(DatabaseDown, match="Access denied for user") as refused:
            _asked(shop.set(username="ünal", password="hunter2"))
        assert "hunter2" not in str(refused.value)
    finally:
        administer(mariadb, "DROP USER 'ünal'@'127.0.0.1'")
