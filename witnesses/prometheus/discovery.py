"""Find the replicas of a service among the targets that Prometheus has of its job.

/api/v1/targets has the address that each is scraped at. Backends that others write to (Mimir, or
VictoriaMetrics behind its agent) report no targets, or not all: theirs are known from `up`, by
their instance alone, and their address is guessed.
"""

import math
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from pydantic import TypeAdapter

from config.secrets import is_public_name
from config.urls import Url
from witnesses.prometheus.client import PrometheusClient, PrometheusDown
from witnesses.service.exposition import START_TIME
from witnesses.target_labels import INSTANCE

_MAX_CHARACTERS = 2_000
_URL: TypeAdapter[str] = TypeAdapter(Url)


@dataclass(frozen=True, slots=True)
class DiscoveredReplica:
    """One target of a service's job.

    `url` is its metrics address, or "" where none is to be asked: it may hold a secret, or is none.
    It `is_guessed` where only the instance is known. `start_time` is what Prometheus has of its
    process (epoch seconds).
    """

    instance: str
    url: str
    is_guessed: bool = False
    start_time: float | None = None


def discover_replicas(client: PrometheusClient, job: str) -> list[DiscoveredReplica]:
    """Return the targets that Prometheus has of a job now, also those that are down.

    Raises PrometheusDown.
    """
    stored = _values(client, f"up{client.targets_of([job])}")
    start_times = _values(client, f"{START_TIME}{client.targets_of([job])}")
    reported = {
        target.get("labels", {}).get(INSTANCE, ""): target.get("scrapeUrl", "")
        for target in client.active_targets() or ()
        if target.get("labels", {}).get("job") == job
    }
    return [
        DiscoveredReplica(
            instance,
            _fit_address(reported.get(instance, f"http://{instance}/metrics")),
            is_guessed=instance not in reported,
            start_time=start_times.get(instance),
        )
        for instance in sorted({*stored, *reported})
    ]


def _values(client: PrometheusClient, query: str) -> dict[str, float]:
    """Return the largest value by instance. Raises PrometheusDown."""
    values: dict[str, float] = {}
    for labels, value in labelled_values(client, query):
        instance = labels.get(INSTANCE, "")
        values[instance] = max(value, values.get(instance, -math.inf))
    return values


def labelled_values(client: PrometheusClient, query: str) -> list[tuple[dict[str, str], float]]:
    """Return the labels and the value of each series of a query now. Raises PrometheusDown."""
    try:
        return [
            ({str(name): str(value) for name, value in each["metric"].items()},
             float(each["value"][1]))
            for each in client.query(query, None).result
        ]  # fmt: skip
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise PrometheusDown("Prometheus does not respond as Prometheus does") from error


def _fit_address(url: str) -> str:
    """Return an address that can be asked, and be kept; "" for any other.

    >>> _fit_address("http://10.0.0.7:8080/metrics?format=prometheus")
    'http://10.0.0.7:8080/metrics?format=prometheus'
    >>> [_fit_address(url) for url in ("http://me:p@shop/", "http://shop/?token=t", "http://a b/m")]
    ['', '', '']
    """
    try:
        _URL.validate_python(url)
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return ""
    is_public = all(is_public_name(name) for name, _ in query) and "#" not in url
    return url if is_public and len(url) <= _MAX_CHARACTERS else ""
