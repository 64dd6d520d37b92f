import base64
import html
import json
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.redaction import Secrets, redact, redact_document, redact_yaml

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


@pytest.mark.core
@pytest.mark.long
def test_a_large_text_takes_time_in_proportion_to_its_length() -> None:
    """The pattern must not look back and forth: eight times the text, about eight times as long."""
    spent = []
    for length in (250_000, 2_000_000):
        text = 'abc{{ \\"%2' * (length // 10)
        began = time.process_time()
        redact(text, SECRETS)
        spent.append(time.process_time() - began)
    assert spent[1] < 40 * max(spent[0], 0.01)


@pytest.mark.parametrize("alphabet", [None, b"-_"])
@pytest.mark.parametrize("secret", ["eight-ch", "nine-char", "ten-charac", "~~~a~long~~~secret???"])
@pytest.mark.parametrize("offset", range(3))
def test_within_base64_nothing_is_left_that_only_the_secret_determines(
    offset: int, secret: str, alphabet: bytes | None
) -> None:
    """A letter of Base64 has six bits: the letters that hold a bit of the neighbours may stay."""
    encoded = base64.b64encode(b"\xff" * offset + secret.encode() + b"\xff\xff", alphabet).decode()
    first, end = -(-offset * 8 // 6), (offset + len(secret)) * 8 // 6
    assert redact(encoded, [secret]) == f"{encoded[:first]}***{encoded[end:]}"


def test_a_secret_of_four_characters_is_redacted_in_every_form_but_within_base64() -> None:
    for echoed in ("ab/1", "AB/1", "ab%2F1", "61622f31", base64.b64encode(b"ab/1").decode()):
        assert redact(f"<{echoed}>", ["ab/1"]) == "<***>"
    inside = base64.b64encode(b"xab/1").decode()
    assert redact(inside, ["ab/1"]) == inside


def test_a_secret_of_three_characters_is_redacted_as_it_is_only() -> None:
    assert redact("a/1 A/1 612f31 YS8x", ["a/1"]) == "*** A/1 612f31 YS8x"


def test_a_secret_that_begins_another_does_not_leave_its_rest() -> None:
    for secrets in (["s3cret", "s3cret-and-more"], ["s3cret-and-more", "s3cret"]):
        assert redact("<s3cret-and-more> <s3cret>", secrets) == "<***> <***>"


@pytest.mark.parametrize("slashes", range(4))
def test_a_secret_is_redacted_behind_up_to_three_backslashes(slashes: int) -> None:
    echoed = "abc" + "\\" * slashes + '"def'
    assert redact(f"<{echoed}>", ['abc"def']) == "<***>"


@pytest.mark.parametrize("times", range(1, 5))
def test_a_secret_is_redacted_however_often_it_was_encoded_for_a_url(times: int) -> None:
    echoed = "s3 cret/"
    for _ in range(times):
        echoed = quote(echoed, safe="")
    assert redact(f"<{echoed}>", SECRETS) == "<***>"


@pytest.mark.parametrize("padding", ["=", "%3D", "%3d"])
@pytest.mark.parametrize("secret", ["a-secret-13ch", "a-secret-14chr", "a-secret-15chrs"])
def test_the_padding_of_base64_is_redacted_with_the_secret(secret: str, padding: str) -> None:
    echoed = base64.b64encode(secret.encode()).decode().replace("=", padding)
    assert redact(f"<{echoed}>", [secret]) == "<***>"


def wholly_percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def wholly_unicode(text: str) -> str:
    units = text.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


ENCODERS = {
    "as it is": str,
    "upper case": str.upper,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON within JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON wholly escaped": wholly_unicode,
    "percent": lambda text: quote(text, safe=""),
    "percent wholly": wholly_percent,
    "percent in lower case": lambda text: wholly_percent(text).lower(),
    "a form": quote_plus,
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in upper case": lambda text: text.encode().hex().upper(),
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 of URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "Base64 in lower case": lambda text: base64.b64encode(text.encode()).decode().lower(),
    "percent of Base64": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "HTML": html.escape,
    "bytes of Python": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
}
# What a secret is made of: visible, and not only of what surrounds it in these tests.
LETTERS = st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="*\x7f")
SECRET = st.text(LETTERS, min_size=8, max_size=24).filter(
    lambda text: len(set(text.lower())) > 4 and text.upper().lower() == text.lower()
)


@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
@given(SECRET, st.integers(0, 30), st.integers(0, 60))
def test_nothing_is_left_of_any_secret_in_any_form_at_any_offset_before_any_cut(
    encode: Callable[[str], str], secret: str, offset: int, length: int
) -> None:
    form = encode(secret)
    text = "." * offset + form + "." * 40
    kept = redact(text, [secret], length)
    assert kept.strip(".") in ("", "***")
    assert len(kept.partition("***")[0]) == min(offset, length)


@given(SECRET, st.integers(1, 23))
def test_the_first_half_of_a_long_secret_is_redacted_wherever_it_was_cut(
    secret: str, length: int
) -> None:
    """A system may cut its own message, before anything of it is seen here."""
    cut = secret[:length]
    redacted = redact(f"bad key {cut}… sent", [secret])
    if len(secret) >= 16 and length >= len(secret) // 2:
        assert redacted == "bad key ***… sent"


@given(SECRET, st.integers(6, 23))
def test_a_part_of_a_secret_is_redacted_at_either_end_of_a_text(secret: str, length: int) -> None:
    assert redact(f"<-- {secret[:length]}", [secret]) == "<-- ***"
    assert redact(f"{secret[-length:]} -->", [secret]) == "*** -->"


def test_every_offset_of_a_cut_leaves_nothing_of_any_of_many_secrets() -> None:
    """What the secrets before the cut leave free is not filled with what stands behind it."""
    secrets = [f"s3cret-{number}-{'x' * number}y" for number in range(6)]
    text = ", ".join(wholly_percent(secret) for secret in secrets)
    for length in range(len(text)):
        assert set(redact(text, secrets, length)) <= set("*, ")


def test_a_page_of_metrics_stays_one_without_its_secrets() -> None:
    page = (
        b"# HELP made_total of hunter22\n# TYPE made_total counter\n"
        b'made_total{key="hunter22",kind="a"} 12345678 1700000000000\n'
        b"hunter22_total 7\n"
        b'pins_total{pin="12345678"} 1\n'
    )
    assert redact_document(page, ["hunter22", "12345678"]) == (
        b"# HELP made_total of redacted\n# TYPE made_total counter\n"
        b'made_total{key="***",kind="a"} 12345678 1700000000000\n'
        b"redacted_total 7\n"
        b'pins_total{pin="***"} 1\n'
    )


def test_a_json_document_stays_one_without_its_secrets() -> None:
    found = {"metric": {"key": 'hun"ter22', "pin": "1234"}, "values": [[1234, "1234"], [1, "2"]]}
    redacted = redact_document(json.dumps(found).encode(), ['hun"ter22', "1234"])
    hidden = {"metric": {"key": "***", "pin": "***"}, "values": [[1234, "1234"], [1, "2"]]}
    assert json.loads(redacted) == hidden


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    assert redact_document(b"\xff\xfe hunter22 \xff", ["hunter22"]) == b"\xff\xfe redacted \xff"
    assert redact_document(b"\xff", ["hunter22"]) == b"\xff"


def test_a_yaml_document_stays_one_without_its_secrets() -> None:
    text = redact_yaml("headers: {X-A: hunter22, X-B: 'hunter22'}", ["hunter22"])
    assert yaml.safe_load(text) == {"headers": {"X-A": "redacted", "X-B": "redacted"}}


def test_secrets_that_are_learned_are_redacted_and_the_latest_are_kept() -> None:
    secrets = Secrets(("of-files",))
    for number in range(150):
        secrets.learn(f"token-of-user-{number:03}")
    assert redact("of-files token-of-user-149", secrets) == "*** ***"
    assert "of-files" in list(secrets)
    assert len(list(secrets)) <= 101


def test_the_first_half_of_the_shortest_secret_that_is_looked_for_by_half_is_redacted() -> None:
    assert redact("bad key 12ab56cd… sent", ["12ab56cd90ef34gh"]) == "bad key ***… sent"
    assert redact("bad key 12ab56c… sent", ["12ab56cd90ef34gh"]) == "bad key 12ab56c… sent"


def test_a_secret_in_many_layers_of_escapes_is_redacted_though_the_text_is_cut_within_it() -> None:
    escaped = "".join(f"&amp;amp;amp;#x{ord(each):X};" for each in "pa55-w0rd!")
    for length in range(1, len(escaped)):
        assert redact(escaped, ["pa55-w0rd!"], length) == "***"


def test_more_are_known_at_the_end_than_are_searched_for_in_each_response() -> None:
    secrets = Secrets()
    for number in range(1_500):
        secrets.learn(f"token-of-user-{number:04}")
    assert len(secrets.learned) == 1_000
    assert len(list(secrets)) == 100


def test_the_values_of_the_user_at_hand_are_known_however_many_others_came_since() -> None:
    secrets = Secrets(own=lambda: [["own-token-1"], {"deep": "own-token-2"}])
    for number in range(1_500):
        secrets.learn(f"token-of-user-{number:04}")
    assert redact("own-token-1 own-token-2 token-of-user-1499", secrets) == "*** *** ***"


def test_a_long_reason_is_redacted_and_then_cut() -> None:
    secrets = Secrets(("hunter22-hunter22",))
    for length in range(1_970, 2_010):
        reason = f"{'x' * length}hunter22-hunter22{'y' * 900_000}"
        redacted = secrets.redact_repeated(reason)
        assert "hunter22" not in redacted
        assert len(redacted) <= 2_004
    assert secrets.redact_repeated("no hunter22-hunter22") == "no ***"
