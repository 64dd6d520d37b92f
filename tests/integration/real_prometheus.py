"""Real backends of one block: a Prometheus, and a VictoriaMetrics."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.secured_servers import find_program, free_port, running, write_scraping


@contextmanager
def real_prometheus(folder: Path, job: str, port: int, *options: str) -> Iterator[str]:
    """Scrape a port of this machine five times a second within the block; yield the URL to ask."""
    place = folder / "prometheus"
    place.mkdir()
    scraping = write_scraping(place, job, f"127.0.0.1:{port}")
    with configured_prometheus(place, scraping, *options) as url:
        yield url


@contextmanager
def configured_prometheus(folder: Path, scraping: Path, *options: str) -> Iterator[str]:
    """Run a Prometheus with a configuration file within the block; yield its URL."""
    address = f"127.0.0.1:{free_port()}"
    command = [find_program("prometheus"), f"--config.file={scraping}",
               f"--storage.tsdb.path={folder / 'samples'}",
               f"--web.listen-address={address}", *options]  # fmt: skip
    with running(command, address, folder):
        yield f"http://{address}"


@contextmanager
def real_victoria(folder: Path, *options: str) -> Iterator[str]:
    """Run a VictoriaMetrics within the block; yield its URL."""
    address = f"127.0.0.1:{free_port()}"
    command = [find_program("victoria-metrics"), f"-storageDataPath={folder / 'samples'}",
               f"-httpListenAddr={address}", "-memory.allowedBytes=64MB", *options]  # fmt: skip
    with running(command, address, folder):
        yield f"http://{address}"
