"""A page that falls short proves a loss only if nothing else can be why."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import exposition, write_expositions
from tests.witnesses.counted_quantities import uses_by_kind
from witnesses.figure import Reason
from witnesses.model import CountedQuantity
from witnesses.service.reading import ServiceReading, read_services
from witnesses.service.shortfall import shortfall_doubt


def _read(
    place: Path, before: float = 3, *, start_time: float | None = 500.0, unread: Sequence[str] = ()
) -> ServiceReading:
    """Read a shop whose counter grew by 7, and services beside it that cannot be read."""
    folder = RunFolder(place)
    for moment, uses in (("before", before), ("after", before + 7)):
        write_expositions(folder, moment, {"shop-0": exposition({"tea": uses}, None, start_time)})
        index = json.loads((folder.witnesses / f"service/{moment}/index.json").read_bytes())
        for name in unread:
            of_service = {"service": name, "job": name, "url": f"http://{name}.example"}
            index[f"{name}-0"] = {**index["shop-0"], **of_service, "error": f"{name}: 404"}
        folder.write_witness_file(f"service/{moment}/index.json", json.dumps(index).encode())
    return read_services(folder)


def _of_service(name: str) -> CountedQuantity:
    quantity = uses_by_kind()
    settings = quantity.settings.model_copy(update={"service": name})
    return CountedQuantity(quantity.name, settings, quantity.tenant, quantity.is_exclusive)


def test_pages_of_one_process_that_are_all_read_leave_no_doubt(tmp_path: Path) -> None:
    assert shortfall_doubt(_read(tmp_path), uses_by_kind(), most=20) is None


def test_a_service_that_could_not_be_read_may_have_counted_the_rest(tmp_path: Path) -> None:
    reading = _read(tmp_path, unread=["mailer"])
    assert shortfall_doubt(reading, uses_by_kind(), most=20) == (
        Reason.SCRAPE_FAILED, "mailer: 404"
    )  # fmt: skip
    assert shortfall_doubt(reading, _of_service("shop"), most=20) is None


@pytest.mark.parametrize(("before", "is_hidden"), [(3, True), (30, False)])
def test_a_process_without_a_start_time_can_have_begun_anew_below_its_last_value(
    tmp_path: Path, before: float, is_hidden: bool
) -> None:
    doubt = shortfall_doubt(_read(tmp_path, before, start_time=None), uses_by_kind(), most=20)
    assert doubt == ((Reason.RESTART_UNSEEN, "") if is_hidden else None)
