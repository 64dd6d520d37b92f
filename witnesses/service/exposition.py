"""Parse one scrape: its samples, as they are named on the page, and the TYPE of each metric.

TYPE decides what a metric is, never its name: gauges may be called `…_total`, and counters may not.
The TYPE lines are therefore read here, and the samples are parsed without them: the parser of
prometheus_client would append `_total` to the samples of a counter, and Prometheus does not.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from witnesses.figure import Reason
from witnesses.service.printed_digits import NO_DIGITS, PrintedDigits, printed_digits

COUNTER, GAUGE = "counter", "gauge"
START_TIME = "process_start_time_seconds"

# A value with a timestamp that is older than this when it is asked for shows the past. The services
# are asked no sooner than this after the last response.
STALE_S = 1.0

# Epoch seconds stay below this until the year 5138; a larger timestamp is in milliseconds.
_MAX_EPOCH_S = 1e11
# A page is parsed several times in a run, and a sample takes up to 1 kB of memory meanwhile.
MAX_SAMPLES = 100_000
MAX_LINE_BYTES = 16_384

_LINES_OF_A_SAMPLE = 3  # HELP, TYPE, and the sample
_DECLARATION = re.compile(r'^#[ \t]+(TYPE|HELP)[ \t]+("(?:[^"\\]|\\.)*"|\S+)(?:[ \t]+(\S+))?', re.M)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_EXEMPLAR = re.compile(r'^((?:[^"\n#]|"(?:[^"\\\n]|\\.)*")*?) # \{.*$', re.MULTILINE)
_END_OF_OPENMETRICS = "# EOF"
# The endings of the samples of a metric, by its type; of these, the cumulative ones are counters.
_ENDINGS: Mapping[str, Mapping[str, str]] = {
    COUNTER: {"_total": COUNTER, "_created": GAUGE},
    "histogram": {"_bucket": COUNTER, "_count": COUNTER, "_sum": COUNTER, "_created": GAUGE},
    "summary": {"_count": COUNTER, "_sum": COUNTER, "_created": GAUGE},
    "gaugehistogram": {"_bucket": GAUGE, "_gcount": GAUGE, "_gsum": GAUGE},
    "info": {"_info": GAUGE},
}

_WITHOUT_OWN_SAMPLE = ("histogram", "gaugehistogram")

LabelPairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exposition:
    """The metrics of one replica at one moment: values by full sample name, then by labels.

    `types` are by the name in the TYPE or HELP line, also of metrics without a series yet; "" where
    none is given. `error` is why there are no metrics, and `reason` is its class. `stamps` are
    the page's own timestamps, in the same order as `values`; `asked_at` is when the page was asked
    for, on the clock of its host (both epoch seconds). `contradictory` are the series, as metric
    and labels, that the page shows twice with different values. `digits` are those of its values.
    """

    values: Mapping[str, Mapping[LabelPairs, float]]
    types: Mapping[str, str]
    error: str = ""
    reason: Reason | None = None
    stamps: Mapping[str, Mapping[LabelPairs, float]] = field(default_factory=dict)
    asked_at: float = -math.inf
    contradictory: frozenset[tuple[str, LabelPairs]] = frozenset()
    digits: PrintedDigits = NO_DIGITS

    @property
    def newest_stamp(self) -> float | None:
        """The latest of the page's own timestamps, or None where it has none."""
        stamps = (at for of_metric in self.stamps.values() for at in of_metric.values())
        return max(stamps, default=None)

    def is_stale(self, metric: str, pairs: LabelPairs) -> bool:
        """Return whether a value is older than the moment when the page was asked for.

        A series that is not shown is as old as the newest of its metric, or else of the page.
        """
        stamps = self.stamps.get(metric, {})
        if pairs in self.values.get(metric, {}):
            stamp = stamps.get(pairs)
        elif metric in self.values:
            stamp = max(stamps.values(), default=None)
        else:
            stamp = self.newest_stamp
        return stamp is not None and stamp < self.asked_at - STALE_S

    @property
    def start_times(self) -> Mapping[LabelPairs, float]:
        """When its process started, in epoch seconds, by the labels that the sample has."""
        shown = self.values.get(START_TIME, {})
        return {labels: at for labels, at in shown.items() if math.isfinite(at)}

    def declares(self, metric: str) -> bool:
        """Return whether it shows a sample name, or declares a metric that has such samples."""
        return metric in self.values or sample_type(metric, self.types) is not None

    def type_of(self, metric: str) -> str:
        """Return the type of the samples of a name: "counter", "gauge" or "" if it is unknown."""
        return sample_type(metric, self.types) or ""


def sample_type(name: str, types: Mapping[str, str]) -> str | None:
    """Return the type of a sample: "counter", "gauge", "" if unknown; None if it is not declared.

    >>> types = {"uses_total": "gauge", "took_seconds": "histogram", "hits": "counter"}
    >>> [sample_type(name, types) for name in ("uses_total", "took_seconds_count", "hits_total")]
    ['gauge', 'counter', 'counter']
    """
    if name in types and types[name] not in _WITHOUT_OWN_SAMPLE:
        return types[name] if types[name] in (COUNTER, GAUGE) else ""
    for ending in ("_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info"):
        if name.endswith(ending):
            of_metric = _ENDINGS.get(types.get(name.removesuffix(ending), ""), {})
            return of_metric.get(ending)
    return None


def unreadable(reason: Reason, error: str) -> Exposition:
    """Return the exposition of a scrape that brought none."""
    return Exposition({}, {}, error, reason)


def declared_types(text: str) -> dict[str, str]:
    """Return the type of each metric that a page declares; "" of one that has only a HELP line."""
    types: dict[str, str] = {}
    for keyword, name, word in _DECLARATION.findall(text):
        bare = name.strip('"')
        types[bare] = word if keyword == "TYPE" else types.get(bare, "")
    return types


def refusal_of_page(
    content: bytes, max_samples: int = MAX_SAMPLES, max_line_bytes: int = MAX_LINE_BYTES
) -> str:
    """Return why a page is too much to be parsed, as the rest of a sentence, or ""."""
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    if lines - content.count(b"\n#") - content.startswith(b"#") > max_samples:
        return f"shows more than {max_samples:,} samples"
    if lines > _LINES_OF_A_SAMPLE * max_samples:
        return f"shows more than {_LINES_OF_A_SAMPLE * max_samples:,} lines"
    begin = 0
    while (end := content.find(b"\n", begin)) >= 0 or begin < len(content):
        end = len(content) if end < 0 else end
        if end - begin > max_line_bytes:
            return f"shows a line of more than {max_line_bytes:,} bytes"
        begin = end + 1
    return ""


def parse_exposition(content: bytes, url: str, asked_at: float = -math.inf) -> Exposition:
    """Parse a scrape; the result's error is why it is no exposition."""
    page = _Page()
    try:
        text = content.decode()
        for sample, stamp in _samples(text):
            page.add(sample, stamp)
    except UnicodeDecodeError as error:
        line = 1 + content.count(b"\n", 0, error.start)
        message = f"{url} does not show metrics: line {line:,} is not UTF-8"
        return unreadable(Reason.SCRAPE_FAILED, message)
    except ValueError:
        message = f"{url} does not show metrics: {_first_fault(text)}"
        return unreadable(Reason.SCRAPE_FAILED, message)
    types = declared_types(text)
    if not page.values and not types:
        return unreadable(Reason.EMPTY_EXPOSITION, f"{url} shows no metrics")
    return Exposition(
        page.values, types, stamps=page.stamps, asked_at=asked_at,
        contradictory=frozenset(page.contradictory), digits=printed_digits(text),
    )  # fmt: skip


@dataclass
class _Page:
    """The samples of a page as they are read: of a series shown twice, the newest."""

    values: dict[str, dict[LabelPairs, float]] = field(default_factory=dict)
    stamps: dict[str, dict[LabelPairs, float]] = field(default_factory=dict)
    contradictory: set[tuple[str, LabelPairs]] = field(default_factory=set)
    # a page has many series and few labels: each text and pair is kept once
    _pairs: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def add(self, sample: Sample, stamp: float | None) -> None:
        pairs = self._pairs
        labels = tuple(sorted(pairs.setdefault(each, each) for each in sample.labels.items()))
        of_metric, value = self.values.setdefault(sample.name, {}), float(sample.value)
        stamps, at = self.stamps.get(sample.name, {}), _epoch_s(stamp)
        if labels in of_metric:
            other_at = stamps.get(labels, -math.inf)
            if at < other_at:
                return
            if at == other_at and value != of_metric[labels]:
                self.contradictory.add((sample.name, labels))
        of_metric[labels] = value
        if math.isfinite(at):
            self.stamps.setdefault(sample.name, {})[labels] = at


def _epoch_s(stamp: float | None) -> float:
    if stamp is None or not math.isfinite(stamp):
        return -math.inf
    return stamp if stamp < _MAX_EPOCH_S else stamp / 1000


def _first_fault(text: str) -> str:
    """Explain why a text is no exposition. Nothing of it is quoted: it may hold secrets."""
    if text.lstrip().startswith("<"):
        return "it is HTML or XML"
    for number, line in enumerate(_as_text_format(text).split("\n"), 1):
        try:
            list(parse_text(line))
        except ValueError:
            return f"line {number:,} is not a sample"
    return "it is not in the text format"


def _samples(text: str) -> Iterator[tuple[Sample, float | None]]:
    """Yield the samples under the names that they have on the page, with the timestamp there.

    Raises ValueError.
    """
    if text.rstrip().endswith(_END_OF_OPENMETRICS):
        try:
            families = list(parse_openmetrics(text))  # type: ignore[no-untyped-call]
        except ValueError:
            pass  # many pages end like OpenMetrics and do not keep all of its rules
        else:
            yield from _stamped(families, 1.0)
            return
    yield from _stamped(parse_text(_as_text_format(text)), 1000.0)


def _as_text_format(text: str) -> str:
    """Return the samples alone, each in its line; an exemplar would be read as a timestamp."""
    samples = _COMMENT.sub("", text)
    return _EXEMPLAR.sub(r"\1", samples) if "#" in samples else samples


def _stamped(
    families: Iterable[Metric], units_per_s: float
) -> Iterator[tuple[Sample, float | None]]:
    for family in families:
        for each in family.samples:
            yield each, None if each.timestamp is None else float(each.timestamp) * units_per_s
