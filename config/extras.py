"""The extras of the program: which packages each adds, and the remedy where one is missing."""

from collections.abc import Callable
from importlib.util import find_spec

from config.program import COMMAND, IS_INSTALLED

CHARTS, EXPORT, SCHEMA, REFERENCE = "charts", "export", "schema", "reference"
POSTGRESQL, MYSQL = "postgresql", "mysql"

# By what each is imported as. Of the reference services, one stands for all.
_MODULES = {
    CHARTS: ("pandas", "vl_convert"),
    EXPORT: ("pandas", "pyarrow", "xlsxwriter"),
    SCHEMA: ("jsonschema_rs",),
    POSTGRESQL: ("psycopg",),
    MYSQL: ("pymysql",),
    REFERENCE: ("fastapi",),
}
_DRIVERS = {
    "postgresql": POSTGRESQL, "postgres": POSTGRESQL,
    "mysql": MYSQL, "mysql2": MYSQL, "mariadb": MYSQL,
}  # fmt: skip


def missing_packages(
    extra: str, find: Callable[[str], object] = find_spec, *, is_installed: bool = IS_INSTALLED
) -> str:
    """Return what of an extra is not installed, with the remedy, or "" if nothing is missing.

    >>> missing_packages("postgresql", lambda _: None, is_installed=True)
    "psycopg is not installed; run pip install 'trial-balance[postgresql]'"
    """
    missing = [name for name in _MODULES[extra] if find(name) is None]
    if not missing:
        return ""
    remedy = f"pip install '{COMMAND}[{extra}]'" if is_installed else "make setup"
    are = "is" if len(missing) == 1 else "are"
    return f"{', '.join(missing)} {are} not installed; run {remedy}"


def missing_driver(url: str, missing: Callable[[str], str] = missing_packages) -> str:
    """Return that the driver of a database is not installed, with the remedy, or ""."""
    extra = _DRIVERS.get(url.partition("://")[0].partition("+")[0])
    return missing(extra) if extra else ""
