"""A real Prometheus that scrapes one target five times a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.secured_servers import find_program, free_port, running, write_scraping


@contextmanager
def real_prometheus(folder: Path, job: str, port: int, *options: str) -> Iterator[str]:
    """Scrape a port of this machine as a job within the block; yield the URL of the Prometheus."""
    place = folder / "prometheus"
    place.mkdir()
    scraping, address = write_scraping(place, job, f"127.0.0.1:{port}"), f"127.0.0.1:{free_port()}"
    command = [find_program("prometheus"), f"--config.file={scraping}",
               f"--storage.tsdb.path={place / 'samples'}",
               f"--web.listen-address={address}", *options]  # fmt: skip
    with running(command, address, place):
        yield f"http://{address}"
