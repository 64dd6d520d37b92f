"""How does a question go out, and how is its answer read? With what shows who asks, and once."""

from functools import cached_property
from typing import TypedDict

import msgspec
import requests

from checks.witnesses.refusals import basic_credentials
from config.prometheus import Prometheus


class Target(TypedDict, total=False):
    """What is told of one target, as far as it is read."""

    labels: dict[str, str]
    discoveredLabels: dict[str, str]
    scrapeInterval: str


class Found(TypedDict, total=False):
    """What any of the questions may find; a query's result is left unread."""

    result: msgspec.Raw
    activeTargets: list[Target]
    version: str


class Body(TypedDict, total=False):
    """An answer of the query interface, as far as it is read."""

    data: Found
    warnings: list[str] | None
    isPartial: bool


_BODY = msgspec.json.Decoder(Body)


class Answer(requests.Response):
    """An answer whose JSON is read once, and what a query found left as it is, however large."""

    @cached_property
    def body(self) -> Body:
        """The whole answer. Raises ValueError."""
        try:
            return _BODY.decode(self.content)
        except RecursionError as error:
            raise ValueError("nested without end") from error

    def json(self, **_: object) -> Body:
        """Return the whole answer. Raises ValueError."""
        return self.body


class Session(requests.Session):
    """Asks one server and nobody else: no proxy, no netrc, and no redirect is followed."""

    def __init__(self, settings: Prometheus) -> None:
        """Connect at the first request."""
        super().__init__()
        self.trust_env = False
        self.verify = settings.ca_file or True
        self.headers.update(settings.headers)
        if settings.bearer_token:
            self.headers["Authorization"] = f"Bearer {settings.bearer_token}"
        if settings.basic_auth:
            self.headers["Authorization"] = f"Basic {basic_credentials(settings.basic_auth)}"
        self.hooks["response"].append(self._keep)
        self.last: Answer | None = None

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Lead nowhere: a login page is no answer, and no token goes to another host."""

    def _keep(self, response: requests.Response, *_: object, **__: object) -> Answer:
        self.last = Answer()
        self.last.__dict__.update(response.__dict__)
        return self.last
