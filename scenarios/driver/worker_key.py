"""The shared key of a master and its workers: where it comes from, and where it is required."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

from config.errors import ConfigError, Problem

KEY, KEY_FILE = "TRIAL_BALANCE_WORKER_KEY", "TRIAL_BALANCE_WORKER_KEY_FILE"

_MIN_CHARACTERS = 16
_REMEDY = (
    f"set {KEY}, or {KEY_FILE} to a file, to the same text of at least {_MIN_CHARACTERS} "
    "characters on every machine, for example the output of openssl rand -hex 32"
)


def worker_key(host: str, variables: Mapping[str, str] = os.environ) -> str:
    """Return the key for a channel at a host; "" if there is none, which only loopback allows.

    Raises ConfigError.
    """
    key = variables.get(KEY) or _key_in_file(variables.get(KEY_FILE) or "")
    if key and len(key) < _MIN_CHARACTERS:
        raise _error(f"the key is shorter than {_MIN_CHARACTERS} characters")
    if not key and not is_loopback(host):
        raise _error(f"workers at {host} need a key")
    return key


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "*", "10.0.0.5")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _key_in_file(path: str) -> str:
    if not path:
        return ""
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _error(f"{KEY_FILE}: cannot read {path}") from error
    if not key:
        raise _error(f"{KEY_FILE}: {path} is empty")
    return key


def _error(message: str) -> ConfigError:
    return ConfigError(Problem(None, None, f"{message}; {_REMEDY}"))
