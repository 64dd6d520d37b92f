"""How does one ask Prometheus? Every query with its time, every answer kept verbatim."""

import json
import re
import time
from dataclasses import dataclass
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util import Retry

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class PrometheusDown(Exception):
    """Prometheus gave no usable answer; the text says what came instead."""


@dataclass(frozen=True)
class RawAnswer:
    """One answer of the query interface: its text, verbatim, and what it holds."""

    text: str
    result: list[dict[str, Any]]
    warnings: list[str]


class PrometheusQueries:
    """Queries of one Prometheus, each with its evaluation time, its answer kept verbatim."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Connect at the first query. No hidden retries: a failed query is an answer too."""
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.hooks["response"].append(self._keep)
        self._last: requests.Response | None = None
        self._url = url
        self._connection = PrometheusConnect(
            url, session=self._session, retry=Retry(0, read=False), timeout=timeout_s
        )

    def ask(self, query: str, at: float | None) -> RawAnswer:
        """Evaluate a query at an instant (epoch seconds; None is now). Raises PrometheusDown."""
        params = {} if at is None else {"time": f"{at:.3f}"}
        try:
            result = self._connection.custom_query(query, params=params)
        except PrometheusApiClientException as error:
            raise PrometheusDown(self._refusal()) from error
        except requests.Timeout as error:
            raise PrometheusDown(f"Prometheus at {self._url} did not answer in time") from error
        except requests.ConnectionError as error:
            raise PrometheusDown(f"Prometheus at {self._url} cannot be reached") from error
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise PrometheusDown(f"{self._url} does not answer as Prometheus does") from error
        text = self._last.text if self._last is not None else ""
        return RawAnswer(text, result, json.loads(text).get("warnings", []))

    def clock_skew_s(self) -> float:
        """Return Prometheus' clock minus ours in seconds. Raises PrometheusDown."""
        before = time.time()
        result: Any = self.ask("time()", None).result
        try:
            return float(result[1]) - (before + time.time()) / 2
        except (IndexError, ValueError, TypeError) as error:
            raise PrometheusDown(f"{self._url} does not answer as Prometheus does") from error

    def intervals_s(self) -> dict[str, float] | None:
        """Return the scrape interval of each job in seconds, or None where no targets are told."""
        try:
            targets = self._connection.get_targets("active")["activeTargets"]
            return {
                each["labels"].get("job", ""): _seconds(each.get("scrapeInterval", ""))
                for each in targets
            }
        except (PrometheusApiClientException, requests.RequestException, ValueError, KeyError):
            return None

    def version(self) -> str:
        """Return the server's version, or "" where it does not say."""
        try:
            answer = self._session.get(f"{self._url}/api/v1/status/buildinfo", timeout=2)
            return str(answer.json()["data"]["version"])
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return ""

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _keep(self, response: requests.Response, *_: object, **__: object) -> None:
        self._last = response

    def _refusal(self) -> str:
        answer = self._last
        if answer is None:
            return f"Prometheus at {self._url} gave no answer"
        try:
            reason = f": {answer.json()['error']}"
        except (ValueError, KeyError, TypeError):
            reason = ""
        return f"Prometheus at {self._url} answered {answer.status_code}{reason}"


def _seconds(duration: str) -> float:
    parts = re.findall(r"(\d+)(ms|s|m|h|d)", duration)
    return sum(int(number) * _UNIT_S[unit] for number, unit in parts) or 15.0
