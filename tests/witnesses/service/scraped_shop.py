"""A service whose replicas respond as a test gives it, scraped over HTTP before and after."""

from collections.abc import Sequence
from pathlib import Path

from config.environment import Environment
from config.services import Service
from scenarios.evidence.run_folder import RunFolder
from tests.tiny_server import Canned, serving
from witnesses.model import Moment
from witnesses.service.collector import ServiceCollector


def responds(exposition: str) -> Canned:
    """Return the response of a well replica."""
    return Canned(exposition, content_type="text/plain; version=0.0.4")


def shop_at(url: str, metrics: Sequence[str] | None = None) -> Environment:
    """Return an environment of one service."""
    service = Service(url=url, metrics=list(metrics)) if metrics else Service(url=url)
    return Environment(environment="test", services={"shop": service})


def scrape(place: Path, before: Sequence[Canned], after: Sequence[Canned]) -> RunFolder:
    """Scrape as many replicas as there are responses, before and after a run."""
    folder = RunFolder(place)
    responses = {f"/{n}/before": says for n, says in enumerate(before)}
    responses |= {f"/{n}/after": says for n, says in enumerate(after)}
    with serving(responses) as server:
        for moment in Moment:
            urls = [f"{server.url}/{n}/{moment}" for n in range(len(before))]
            ServiceCollector(shop_at(server.url, urls)).collect(moment, folder)
    return folder
