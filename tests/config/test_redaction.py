import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.redaction import redact

TOKEN = "abc{{ 7*7 }}def{#x#}/é&\"'\\ +="
SECRETS = ["s3 cret/", "s3 cret/more", TOKEN]

FORMS = {
    "as it is": TOKEN,
    "JSON": json.dumps(TOKEN)[1:-1],
    "JSON with its letters": json.dumps(TOKEN, ensure_ascii=False)[1:-1],
    "JSON of Go": json.dumps(TOKEN)[1:-1].replace("&", r"\u0026").replace("'", r"\u0027"),
    "JSON of PHP": json.dumps(TOKEN)[1:-1].replace("/", r"\/"),
    "JSON within JSON": json.dumps(json.dumps(TOKEN)[1:-1])[1:-1],
    "percent": quote(TOKEN, safe=""),
    "percent, with slashes": quote(TOKEN),
    "percent, in lower case": quote(TOKEN, safe="").lower(),
    "a form": quote_plus(TOKEN),
    "percent twice": quote(quote(TOKEN, safe=""), safe=""),
    "HTML": html.escape(TOKEN),
    "HTML by number": "".join(f"&#{ord(c)};" if not c.isalnum() else c for c in TOKEN),
    "hexadecimal": TOKEN.encode().hex(),
    "hexadecimal in upper case": TOKEN.encode().hex().upper(),
    "Base64": base64.b64encode(TOKEN.encode()).decode(),
    "Base64 of URLs": base64.urlsafe_b64encode(TOKEN.encode()).decode(),
    "upper case": TOKEN.upper(),
    "lower case": TOKEN.lower(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_redacted_in_every_form_of_an_echo(form: str) -> None:
    assert redact(f"who sent <{form}>, {form}", SECRETS) == "who sent <***>, ***"


@pytest.mark.parametrize("form", [
    "s3 cret/more", "s3%20cret%2Fmore", "s3%20cret/more", "s3+cret%2fmore", "S3 CRET/MORE",
])  # fmt: skip
def test_the_longest_of_two_secrets_is_redacted(form: str) -> None:
    assert redact(f"<{form}>", SECRETS) == "<***>"


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_a_secret_within_the_base64_of_a_longer_text_is_redacted(
    before: bytes, after: bytes
) -> None:
    token = "a-long-and-secret-token"
    encoded = base64.b64encode(before + token.encode() + after).decode()
    redacted = redact(encoded, [token])
    assert "***" in redacted
    for start in range(3):
        inner = base64.b64encode(bytes(start) + token.encode()).decode()[2:-4]
        assert inner not in redacted


def test_text_without_a_secret_and_short_secrets_change_nothing_else() -> None:
    assert redact("nothing eA== 78 X", ["", "x"]) == "nothing eA== 78 X"
    assert redact("nothing", []) == "nothing"


@given(st.text(min_size=1, max_size=12), st.text(max_size=12))
def test_any_secret_is_redacted_as_it_is(secret: str, around: str) -> None:
    assert secret not in redact(around + secret + around, [secret]).replace("*", "")


def test_a_large_text_takes_time_in_proportion_to_its_length() -> None:
    """The pattern must not look back and forth: eight times the text, about eight times as long."""
    spent = []
    for length in (250_000, 2_000_000):
        text = 'abc{{ \\"%2' * (length // 10)
        began = time.process_time()
        redact(text, SECRETS)
        spent.append(time.process_time() - began)
    assert spent[1] < 40 * max(spent[0], 0.01)
