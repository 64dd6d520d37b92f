import socket
import sys
from urllib.request import urlopen

from benchmarks.balance import running
from benchmarks.series_exporter import METRIC, labels_of
from tests.paths import ROOT


def test_every_series_has_distinct_labels() -> None:
    assert len({labels_of(number, 100) for number in range(100)}) == 100
    assert {len({labels_of(number, 100)[part] for number in range(100)}) for part in (0, 1)} == {10}


def test_a_posted_amount_is_in_the_next_scrape() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "benchmarks.series_exporter", "4", str(listener.fileno())]
        with running(command, cwd=ROOT, pass_fds=[listener.fileno()]):
            urlopen(url, b"[[3, 7]]").close()
            with urlopen(url) as scrape:
                page = scrape.read().decode()
    tenant, kind = labels_of(3, 4)
    assert f'{METRIC}{{tenant="{tenant}",type="{kind}"}} 7\n' in page
