from pathlib import Path

from checks.balance.origins import origins_of
from checks.case import read_case
from tests.evidence_factory import Load, write_agreeing_witnesses, write_run
from witnesses.model import Source

_QUERY = "SELECT kind, count(*) FROM uses WHERE tenant = :tenant GROUP BY kind"


def test_each_figure_of_a_quantity_has_its_step_its_place_and_its_query(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load())
    write_agreeing_witnesses(folder)
    uses, visits = origins_of(read_case(folder))
    assert (uses.quantity, uses.steps) == ("uses", ("use",))
    assert uses.sources == {
        "service": Source((("shop", "http://shop-0.example"),), 'uses_total{tenant="acme"}'),
        "prometheus": Source((("shop", "shop:80"),), 'uses_total{tenant="acme"}'),
        "database:main": Source((("main", ""),), _QUERY),
    }
    assert (visits.quantity, visits.steps) == ("visits", ("open",))
    assert set(visits.sources) == {"service", "prometheus"}


def test_an_origin_is_known_without_any_witness(tmp_path: Path) -> None:
    uses, _ = origins_of(read_case(write_run(tmp_path, Load())))
    assert uses.sources["database:main"].query == _QUERY
    assert uses.sources["service"].places == ()
