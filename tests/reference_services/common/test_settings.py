"""Tests of the settings, and of the error message of an invalid one."""

from pathlib import Path

import pytest
from limits import parse
from pydantic import SecretStr

from reference_services import serve
from reference_services.common.settings import Settings, StartupError, read_settings
from tests.reference_services.processes import refusal

DEFAULTS = {
    "service": "cards",
    "database_url": "sqlite:///cards.db",
    "log_level": "INFO",
    "fault": None,
    "service_version": "",
    "database_connections": 20,
    "api_tokens": (),
    "service_tokens": (),
    "rate_limit": None,
    "cards_url": "http://127.0.0.1:8002",
    "cards_token": None,
    "cards_deadline_s": 5.0,
    "cards_cache_ttl_s": 300.0,
    "circuit_failures": 5,
    "circuit_open_s": 2.0,
    "generation_delay_median_s": None,
    "generation_delay_p95_s": None,
    "generation_delay_seed": 0,
}

GIVEN: dict[str, tuple[str, object]] = {
    "DATABASE_URL": ("postgresql://u:p@h:5433/d", "postgresql://u:p@h:5433/d"),
    "LOG_LEVEL": ("warning", "WARNING"),
    "FAULT": ("slow-tail", "slow-tail"),
    "SERVICE_VERSION": ("1.2.3", "1.2.3"),
    "DATABASE_CONNECTIONS": ("7", 7),
    "API_TOKENS": ("ada, bob,", (SecretStr("ada"), SecretStr("bob"))),
    "SERVICE_TOKENS": ("robot", (SecretStr("robot"),)),
    "RATE_LIMIT": ("100/minute", parse("100/minute")),
    "CARDS_URL": ("https://cards.example:8443", "https://cards.example:8443"),
    "CARDS_TOKEN": ("robot", SecretStr("robot")),
    "CARDS_DEADLINE_S": ("1.5", 1.5),
    "CARDS_CACHE_TTL_S": ("60", 60.0),
    "CIRCUIT_FAILURES": ("9", 9),
    "CIRCUIT_OPEN_S": ("0.1", 0.1),
    "GENERATION_DELAY_MEDIAN_S": ("1", 1.0),
    "GENERATION_DELAY_P95_S": ("2", 2.0),
    "GENERATION_DELAY_SEED": ("-3", -3),
}

# Each value holds a word that no message may repeat.
WRONG = [
    ("DATABASE_URL", "mysql://ada:hunter2@db/cards"),
    ("DATABASE_URL", "postgresql://ada:hunter2@db:port/cards"),
    ("DATABASE_URL", "sqlite:///:memory:hunter2"),
    ("DATABASE_URL", "sqlite:///"),
    ("LOG_LEVEL", "hunter2"),
    ("DATABASE_CONNECTIONS", "0"),
    ("DATABASE_CONNECTIONS", "hunter2"),
    ("API_TOKENS", " , "),
    ("API_TOKENS", "ada,hunter2 and more"),
    ("SERVICE_TOKENS", "hunter2é"),
    ("SERVICE_TOKENS", "hunter2\udcff"),
    ("CARDS_TOKEN", "hunter2\n"),
    ("CARDS_TOKEN", "hunter2,ada"),
    ("RATE_LIMIT", "hunter2"),
    ("RATE_LIMIT", "0/second"),
    ("RATE_LIMIT", "9/second, 99/minute"),
    ("CARDS_URL", "hunter2"),
    ("CARDS_URL", "ftp://hunter2"),
    ("CARDS_URL", "http://ada:hunter2@cards"),
    ("CARDS_URL", "http://hunter2:port"),
    ("CARDS_URL", "http://[hunter2"),
    ("CARDS_DEADLINE_S", "inf"),
    ("CARDS_DEADLINE_S", "-1"),
    ("CARDS_CACHE_TTL_S", "hunter2"),
    ("CIRCUIT_FAILURES", "1.5"),
    ("CIRCUIT_OPEN_S", "nan"),
    ("GENERATION_DELAY_SEED", "hunter2"),
    ("GENERATION_DELAY_MEDIAN_S", "3601"),
]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert read_settings("cards", {}).model_dump() == DEFAULTS


def test_every_setting_has_a_variable_and_an_empty_one_is_an_absent_one() -> None:
    assert {name.upper() for name in Settings.model_fields} == GIVEN.keys() | {"SERVICE"}
    assert read_settings("cards", dict.fromkeys(GIVEN, "")).model_dump() == DEFAULTS


@pytest.mark.parametrize("variable", GIVEN)
def test_a_variable_changes_its_setting_and_no_other(variable: str) -> None:
    needed = {"GENERATION_DELAY_MEDIAN_S": "0.5", "GENERATION_DELAY_P95_S": "4"}
    neighbours = needed if variable in needed else {}
    text, value = GIVEN[variable]
    before = read_settings("cards", neighbours).model_dump()
    after = read_settings("cards", neighbours | {variable: text}).model_dump()
    assert after == before | {variable.lower(): value}


@pytest.mark.parametrize(("variable", "text"), WRONG)
def test_a_mistake_is_named_without_its_value(variable: str, text: str) -> None:
    with pytest.raises(StartupError) as raised:
        read_settings("cards", {variable: text})
    message = str(raised.value)
    assert message.startswith(f"{variable}: ")
    assert message.endswith(".")
    assert "hunter2" not in message
    assert raised.value.__cause__ is None


def test_all_mistakes_are_named_at_once() -> None:
    wrong = dict(WRONG)
    with pytest.raises(StartupError) as raised:
        read_settings("cards", wrong)
    sentences = str(raised.value).removesuffix(".").split("; ")
    assert sorted(sentence.partition(": ")[0] for sentence in sentences) == sorted(wrong)


@pytest.mark.parametrize(
    ("median", "p95", "message"),
    [("1", "", "go together"), ("", "1", "go together"), ("2", "2", "must be above")],
)
def test_a_delay_needs_both_of_its_variables(median: str, p95: str, message: str) -> None:
    environ = {"GENERATION_DELAY_MEDIAN_S": median, "GENERATION_DELAY_P95_S": p95}
    with pytest.raises(StartupError, match=message):
        read_settings("workflow", environ)


def test_settings_in_a_log_show_no_secret() -> None:
    environ = {
        "DATABASE_URL": "postgresql://ada:hunter2@db/cards",
        "API_TOKENS": "hunter2",
        "SERVICE_TOKENS": "hunter2",
        "CARDS_TOKEN": "hunter2",
    }
    settings = read_settings("cards", environ)
    assert "hunter2" not in f"{settings!r} {settings!s} {settings.api_tokens}"
    assert settings.cards_token
    assert settings.cards_token.get_secret_value() == "hunter2"


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"LOG_LEVEL": "hunter2", "RATE_LIMIT": "hunter2"}, "cards: LOG_LEVEL: "),
        (
            {"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:9/d"},
            "cards: cannot reach or migrate",
        ),
        (
            {"DATABASE_URL": "sqlite:////dev/null/cards.db"},
            "cards: cannot reach or migrate",
        ),
        ({"FAULT": "hunter2"}, "cards: FAULT: "),
        ({"PROMETHEUS_MULTIPROC_DIR": "/dev/null/x"}, "cards: PROMETHEUS_MULTIPROC_DIR: "),
    ],
)
def test_a_process_that_cannot_start_reports_the_reason_in_one_sentence(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    ended = refusal(tmp_path, "cards", "--port", "0", **variables)
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert (ended.returncode, len(lines), ended.stdout) == (2, 1, "")
    assert lines[0].startswith(sentence)
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "workers", "named"),
    [
        (["cards", "--port", "http"], "", "--port: write a whole number from 0 to 65535"),
        (["cards", "--port", "65536"], "", "--port: write a whole number from 0 to 65535"),
        (["cards", "--workers", "0"], "", "--workers: write a whole number from 1 to 64"),
        (["cards"], "abc", "--workers: write a whole number from 1 to 64"),
        (["billing"], "", "invalid choice: 'billing'"),
        ([], "", "required: service"),
    ],
)
def test_a_command_that_cannot_be_read_is_refused(
    arguments: list[str],
    workers: str,
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WORKERS", workers)
    with pytest.raises(SystemExit) as raised:
        serve.main(arguments)
    assert raised.value.code == 2
    assert named in capsys.readouterr().err


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize(
    ("where", "named"),
    [(("--fd", "99"), "--fd 99"), (("--host", "192.0.2.1"), "192.0.2.1:8002")],
)
def test_a_process_that_cannot_listen_reports_the_address(
    tmp_path: Path, where: tuple[str, str], named: str
) -> None:
    ended = refusal(tmp_path, "cards", *where)
    assert ended.returncode == 2
    assert f"cards: cannot listen on {named} (" in ended.stderr
    assert "Traceback" not in ended.stderr
