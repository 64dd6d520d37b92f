"""A client of a Prometheus that has made given scrapes, of one target, and asks nobody."""

import json
from collections.abc import Iterable

import msgspec

from config.prometheus import Prometheus
from tests.tiny_server import nobody_listens_at
from witnesses.prometheus.client import PrometheusClient, QueryResponse

_PACE_S = 10.0


class ScrapedAs(PrometheusClient):
    """A client of a Prometheus that has made these scrapes, and whose clock is `skew_s` ahead."""

    def __init__(self, *scrapes: tuple[float, float], skew_s: float = 0.0) -> None:
        super().__init__(Prometheus(url=nobody_listens_at()))
        self._scrapes = scrapes
        self._skew_s = skew_s
        self.asked: list[str] = []

    def query(self, query: str, at: float | None) -> QueryResponse:
        self.asked.append(query)
        values = [[stamp, str(up)] for stamp, up in self._scrapes]
        found = [{"metric": {"job": "shop", "instance": "shop:80"}, "values": values}]
        result = {"resultType": "matrix", "result": found if values else []}
        content = json.dumps({"status": "success", "data": result}).encode()
        return QueryResponse(content, [], msgspec.Raw(json.dumps(result["result"]).encode()), "")

    def clock_skew_s(self) -> float:
        return self._skew_s

    def intervals_s(self, jobs: Iterable[str] = ()) -> dict[str, float | None] | None:
        return dict.fromkeys(jobs, _PACE_S)

    def lag_s(self, jobs: Iterable[str], interval_s: float, now: float) -> float:
        return 0.0

    def version(self) -> str:
        return ""


def up(*stamps: float) -> list[tuple[float, float]]:
    """Return successful scrapes at some instants."""
    return [(at, 1.0) for at in stamps]
