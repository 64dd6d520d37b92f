from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from witnesses.health.status import (
    EndpointResponse,
    ServiceStatus,
    read_statuses,
    statuses_file,
    statuses_json,
)
from witnesses.model import Moment

_WELL = EndpointResponse("http://shop.example/health", 200, "ok")
_DOWN = EndpointResponse("http://till.example/health", error="cannot be reached", remedy="start it")
_STATUSES = {
    "shop": ServiceStatus(_WELL, ready=_WELL, probe=None, version="1.2.3", clock_skew_s=-0.25),
    "till": ServiceStatus(_DOWN, certificate_until=1.5e9),
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_statuses_are_read_as_they_were_written(folder: RunFolder) -> None:
    folder.write_witness_file(statuses_file(Moment.AFTER), statuses_json(_STATUSES))
    assert read_statuses(folder, Moment.AFTER) == _STATUSES


def test_the_statuses_of_one_moment_are_not_those_of_the_other(folder: RunFolder) -> None:
    folder.write_witness_file(statuses_file(Moment.BEFORE), statuses_json(_STATUSES))
    assert read_statuses(folder, Moment.AFTER) == {}


@pytest.mark.parametrize("content", [b"", b'{"shop": {', b"[]", b'{"shop": {"ready": null}}'])
def test_a_damaged_file_of_statuses_is_read_as_none_collected(
    folder: RunFolder, content: bytes
) -> None:
    folder.write_witness_file(statuses_file(Moment.BEFORE), content)
    assert read_statuses(folder, Moment.BEFORE) == {}


def test_a_service_is_at_fault_unless_it_is_known_not_to_be() -> None:
    assert EndpointResponse("http://shop.example/health").is_theirs
