from pathlib import Path

import pytest

from config.environment import read_environment
from config.errors import ConfigError

ENVIRONMENT = """\
environment: staging
services:
  shop: {url: "https://shop.example"}
links: {trace: "LINK"}
"""


def _written(folder: Path, link: str) -> Path:
    path = folder / "staging.yaml"
    path.write_text(ENVIRONMENT.replace("LINK", link))
    return path


@pytest.mark.parametrize(
    "link",
    [
        "https://tracing.example/trace/{trace_id}",
        "http://127.0.0.1:16686/search?tags=x:{trace_id}",
        "https://ui.example/#/t/{trace_id}?copy={trace_id}",
        "https://ui.example/explore?left=%7B{trace_id}%7D",
        "https://ui.example/@acme/{trace_id}",
    ],
)
def test_a_link_names_where_the_id_of_a_trace_belongs(tmp_path: Path, link: str) -> None:
    links = read_environment(_written(tmp_path, link)).links
    assert links is not None
    assert links.trace == link


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("https://tracing.example/trace/", "names no trace; write {trace_id} where its id belongs"),
        ("https://tracing.example/{trace}", "names no trace"),
        ("https://tracing.example/{TRACE_ID}", "names no trace"),
        ("ftp://tracing.example/{trace_id}", "not a link; write http://… or https://…"),
        ("javascript:alert({trace_id})", "not a link"),
        ("tracing.example/{trace_id}", "not a link"),
        ("https:///{trace_id}", "not a link"),
        ("https://tracing.example:99999/{trace_id}", "not a link"),
        ("https://{trace_id}.example/", "not into the host"),
        ("https://me:s3cretword@tracing.example/{trace_id}", "must not contain a user"),
        ("https://tracing.example/a b/{trace_id}", "ASCII without spaces"),
        ("https://café.example/{trace_id}", "ASCII without spaces"),
    ],
)
def test_what_is_no_link_to_a_trace_is_refused_with_its_line(
    tmp_path: Path, link: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_environment(_written(tmp_path, link))
    (problem, *_) = error.value.problems
    assert problem.line == 4
    assert reason in str(error.value)
    assert "s3cretword" not in str(error.value)


def test_a_key_that_is_no_link_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path, "https://tracing.example/{trace_id}")
    path.write_text(path.read_text().replace("trace:", "traces:"))
    with pytest.raises(ConfigError, match="traces"):
        read_environment(path)


def test_a_variable_in_the_query_of_a_link_is_a_secret_and_one_in_its_host_is_none(
    tmp_path: Path,
) -> None:
    path = _written(tmp_path, "https://${UI}/t/{trace_id}?token=${UI_TOKEN}")
    environment = read_environment(path, {"UI": "ui.example:8080", "UI_TOKEN": "s3cretword"})
    assert environment.secrets() == ("s3cretword",)


@pytest.mark.parametrize(
    "link",
    [
        "https://${UI}/explore?org=main&id={trace_id}",
        "https://${UI}/explore?query=%7Bid%3D{trace_id}%7D",
        "${WHOLE}",
    ],
)
def test_neither_the_id_nor_the_words_of_a_link_are_secrets(tmp_path: Path, link: str) -> None:
    variables = {"UI": "ui.example:8080", "WHOLE": "https://ui.example/t?org=main&id={trace_id}"}
    assert read_environment(_written(tmp_path, link), variables).secrets() == ()
