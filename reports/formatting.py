"""Write numbers, times and foreign strings for people."""

import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal

from checks.precision import digits_apart
from checks.result import ClientFigure
from checks.verdict import Verdict
from scenarios.language.amounts import decimal_of
from witnesses.figure import Amount, size_of

CUT_BYTES = 2048
NO_DATA = "no data"
NOT_ASKED = "–"
NOT_JUDGED = "– not judged"
MARKS = {Verdict.PASS: "✓", Verdict.FAIL: "✕", Verdict.INCONCLUSIVE: "?"}

_MINUS = "−"
_LEAST_ROUGH = 0.1  # percent, with two decimals
# What XML forbids, what steers a terminal, and what reverses the direction of writing.
_UNWRITABLE = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u061b\u061d-\u200d\u2010-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd"
    "\U00010000-\U0010ffff]"
)
_USERINFO = re.compile(r"(?<=//)[^/?#\s]*@")


def clean(text: str, limit_bytes: int = CUT_BYTES) -> str:
    """Cut a foreign string, and replace each character that could do more than be read.

    >>> clean("red: " + chr(27) + "[31m")
    'red: �[31m'
    >>> clean("a long answer", 6)
    'a long … (cut, 13 characters in all)'
    """
    # Cut before cleaning: an answer may be megabytes long.
    head = text[: limit_bytes + 1].replace("\r\n", "\n")
    written = _UNWRITABLE.sub("\ufffd", head).encode()
    if len(text) <= limit_bytes and len(written) <= limit_bytes:
        return written.decode()
    kept = written[:limit_bytes].decode(errors="ignore")
    return f"{kept} … (cut, {len(text):,} characters in all)"


def one_line(text: str, limit_bytes: int = CUT_BYTES) -> str:
    """Clean a foreign string and join its lines."""
    return " ".join(clean(text, limit_bytes).split())


def without_userinfo(url: str) -> str:
    """Remove name and password from an address.

    >>> without_userinfo("http://ada:secret@127.0.0.1:8001/")
    'http://127.0.0.1:8001/'
    """
    return _USERINFO.sub("", url)


def render_seconds(value_s: float | None, *limits_s: float) -> str:
    """Write seconds with three decimals, or with as many as keep the value on its side of a limit.

    >>> render_seconds(2.5004, 2.5), render_seconds(2.4996, 2.5), render_seconds(2.5, 2.5)
    ('2.5004 s', '2.4996 s', '2.500 s')
    """
    if value_s is None or not math.isfinite(value_s):
        return NO_DATA
    return f"{_digits(decimal_of(value_s), 3, *map(decimal_of, limits_s))} s"


def render_limit(limit_s: float) -> str:
    """Write a limit exactly.

    >>> render_limit(2.5), render_limit(2.50045)
    ('2.500 s', '2.50045 s')
    """
    return render_seconds(limit_s, limit_s)


def render_interval(low_s: float | None, high_s: float | None, *limits_s: float) -> str:
    """Write a range of seconds that may be open on either side.

    >>> render_interval(2.374, 2.456), render_interval(2.374, None), render_interval(None, None)
    ('2.374–2.456 s', '2.374 s or more', 'none')
    """
    low, high = (render_seconds(each, *limits_s) for each in (low_s, high_s))
    if low_s is None and high_s is None:
        return "none"
    if low_s is None:
        return f"{high} or less"
    return f"{low} or more" if high_s is None else f"{low.removesuffix(' s')}–{high}"


def render_percentage(ratio: Amount | None, *limits: float) -> str:
    """Write a ratio as a percentage with two decimals, never across a limit, 0 or 100 %.

    >>> render_percentage(0.9556), render_percentage(0.99999), render_percentage(1.0)
    ('95.56 %', '99.999 %', '100.00 %')
    """
    if ratio is None or not math.isfinite(ratio):
        return NO_DATA
    bounds = (decimal_of(limit).scaleb(2) for limit in (0.0, 1.0, *limits))
    return f"{_digits(decimal_of(ratio).scaleb(2), 2, *bounds)} %"


def render_given_share(ratio: float) -> str:
    """Write a ratio that somebody chose as a percentage, with the digits that it has.

    >>> render_given_share(0.05), render_given_share(0.125)
    ('5 %', '12.5 %')
    """
    return f"{decimal_of(ratio).scaleb(2).normalize():f} %"


def render_change(ratio: float) -> str:
    """Write a ratio as a percentage with its sign.

    >>> render_change(0.032), render_change(-0.00001), render_change(0.0)
    ('+3.20 %', '−0.001 %', '0.00 %')
    """
    return _signed(ratio, render_percentage)


def render_rough_change(ratio: float) -> str:
    """Write a ratio as a percentage with its sign and three digits, for what has an interval.

    >>> [render_rough_change(each) for each in (7.5645, 0.4393, -0.0321, 0.00004, 0.9999)]
    ['+756 %', '+43.9 %', '−3.21 %', '+0.004 %', '+100.0 %']
    """
    percent = abs(ratio) * 100
    if not _LEAST_ROUGH <= percent < math.inf:
        return render_change(ratio)
    decimals = max(0, min(2, 2 - math.floor(math.log10(percent))))
    return f"{_MINUS if ratio < 0 else '+'}{percent:,.{decimals}f} %"


def render_count(value: Amount | None) -> str:
    """Write a count with its thousands apart; a part of one is shown, never rounded away.

    >>> render_count(1604511), render_count(99.5), render_count(None)
    ('1,604,511', '99.5', 'no data')
    """
    if value is None or not math.isfinite(value):
        return NO_DATA
    exact = decimal_of(value)
    return _digits(exact, 0, exact)


def render_difference(value: Amount) -> str:
    """Write a difference of counts with its sign.

    >>> render_difference(-7), render_difference(3.0), render_difference(0)
    ('−7', '+3', '0')
    """
    return _signed(value, render_count)


def render_range(low: Amount, high: Amount) -> str:
    """Write a count that may lie anywhere between two.

    >>> render_range(98, 100), render_range(100, 100)
    ('98–100', '100')
    """
    return render_count(low) if low == high else f"{render_count(low)}–{render_count(high)}"


def render_client(client: ClientFigure) -> str:
    """Write the ledger's count, which may be more where something is missing or has no bound.

    >>> render_client(ClientFigure(98, 2)), render_client(ClientFigure(98, 2, is_unbounded=True))
    ('98–100', '≥ 98')
    """
    if client.is_unbounded or client.is_at_least:
        return f"≥ {render_count(client.confirmed)}"
    more = "≥ " if client.is_partial else ""
    return more + render_range(client.confirmed, client.most)


def render_share(part: Amount, whole: Amount) -> str:
    """Write how much of the whole a part is; of nothing, nothing is known.

    >>> render_share(400, 400), render_share(0, 0)
    ('100.00 %', 'no data')
    """
    return render_percentage(float(part / whole)) if whole else NO_DATA


def render_utc(at: datetime) -> str:
    """Write an instant to the second; one without a zone is taken as UTC.

    >>> render_utc(datetime(2026, 11, 22, 17, 50, 0, 999))
    '2026-11-22 17:50:00 UTC'
    """
    return f"{_utc(at):%Y-%m-%d %H:%M:%S} UTC"


def render_instant(at: datetime) -> str:
    """Write an instant to the millisecond.

    >>> render_instant(datetime(2026, 11, 22, 17, 50, 0, 999_900))
    '2026-11-22 17:50:00.999 UTC'
    """
    at = _utc(at)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def render_span(start: datetime, end: datetime) -> str:
    """Write from when to when, the date once where it is the same.

    >>> render_span(datetime(2026, 11, 22, 17, 50), datetime(2026, 11, 22, 18, 0))
    '2026-11-22 17:50:00–18:00:00 UTC'
    """
    start, end = _utc(start), _utc(end)
    until = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{start:%Y-%m-%d %H:%M:%S}–{until} UTC"


def render_verdict(verdict: Verdict) -> str:
    """Write a verdict as mark and word.

    >>> render_verdict(Verdict.FAIL)
    '✕ fail'
    """
    return f"{MARKS[verdict]} {verdict}"


def render_marks(verdicts: Iterable[Verdict | None]) -> str:
    """Write verdicts as marks; None is of a run in which there was none.

    >>> render_marks([Verdict.PASS, None, Verdict.FAIL])
    '✓ · ✕'
    """
    return " ".join(MARKS[each] if each else "·" for each in verdicts)


def render_number_of(number: int, noun: str) -> str:
    """Write how many there are of something.

    >>> render_number_of(1, "check"), render_number_of(1200, "row")
    ('1 check', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def render_more(number: int, noun: str, verdict: Verdict) -> str:
    """Report how many more there are of a verdict.

    >>> render_more(2, "check", Verdict.FAIL), render_more(1, "row", Verdict.INCONCLUSIVE)
    ('2 more checks fail', '1 more row is inconclusive')
    """
    do = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.INCONCLUSIVE: "are inconclusive"}
    does = {Verdict.PASS: "passes", Verdict.FAIL: "fails", Verdict.INCONCLUSIVE: "is inconclusive"}
    verb = does[verdict] if number == 1 else do[verdict]
    return f"{render_number_of(number, f'more {noun}')} {verb}"


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at


def _digits(value: Decimal, least: int, *limits: Decimal) -> str:
    text = f"{value:,.{digits_apart(value, least, *limits)}f}"
    # A value that is printed as zero has no sign.
    return text if text.strip("-0.,") else text.removeprefix("-")


def _signed(value: Amount, render: Callable[[Amount], str]) -> str:
    text = render(size_of(value))
    sign = "" if not value or not math.isfinite(value) else "+" if value > 0 else _MINUS
    return sign + text
