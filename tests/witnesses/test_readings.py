from pathlib import Path

from scenarios.language.quantities import Quantity
from tests.evidence_factory import write_agreeing_witnesses, write_rows, write_run
from witnesses.figure import Direction, Figure
from witnesses.model import CountedQuantity, RecordKind
from witnesses.readings import read_witnesses

_TEA = ("tea",)
_COLUMNS = ["service", "prometheus", "database:main"]


def _uses(settings: Quantity) -> CountedQuantity:
    return CountedQuantity("uses", settings, "acme", True)


def test_every_witness_of_a_scenario_has_a_reading_in_the_order_of_the_columns(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path)
    scenario = folder.read_scenario()
    write_agreeing_witnesses(folder)
    readings = read_witnesses(folder, scenario)
    quantity = _uses(scenario.quantities["uses"])
    assert [each.name for each in readings] == _COLUMNS
    assert [each.keeps for each in readings] == [
        RecordKind.COUNTER,
        RecordKind.COUNTER,
        RecordKind.RECORDS,
    ]
    assert [each.figures(quantity).at(_TEA) for each in readings] == [Figure.exact(4.0)] * 3


def test_a_reading_counts_only_the_quantities_that_the_scenario_asks_it_for(
    tmp_path: Path,
) -> None:
    folder = write_run(tmp_path)
    scenario = folder.read_scenario()
    visits = CountedQuantity("visits", scenario.quantities["visits"], "acme", True)
    readings = read_witnesses(folder, scenario)
    assert all(each.counts(_uses(scenario.quantities["uses"])) for each in readings)
    assert [each.name for each in readings if each.counts(visits)] == ["service", "prometheus"]


def test_a_witness_that_was_not_asked_still_has_a_reading_and_it_is_void(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    scenario = folder.read_scenario()
    readings = read_witnesses(folder, scenario)
    figures = [each.figures(_uses(scenario.quantities["uses"])).at(_TEA) for each in readings]
    assert [each.name for each in readings] == _COLUMNS
    assert [figure.direction for figure in figures] == [Direction.VOID] * 3


def test_rows_of_one_witness_are_not_taken_for_those_of_another(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    scenario = folder.read_scenario()
    write_agreeing_witnesses(folder)
    write_rows(folder, "after", {"uses": {"rows": [["tea", 3], ["coffee", 8]]}})
    figures = {
        each.name: each.figures(_uses(scenario.quantities["uses"])).at(_TEA)
        for each in read_witnesses(folder, scenario)
    }
    assert figures["database:main"] == Figure.exact(3.0)
    assert figures["service"] == figures["prometheus"] == Figure.exact(4.0)
