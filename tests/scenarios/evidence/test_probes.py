from pathlib import Path

from scenarios.evidence.probes import Probe, probes_path, read_probes


def test_probes_are_read_in_order_of_time_and_rubbish_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text('[3, 4, ""]\nrubbish\n[]\n[1, 2, "away"]\n["a", 2, ""]\n\n')
    assert read_probes(path) == [Probe(1.0, 2.0, "away"), Probe(3.0, 4.0, "")]
    assert read_probes(tmp_path / "none.jsonl") == []


def test_each_service_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert probes_path(tmp_path, "shop") == tmp_path / "probes" / "shop.jsonl"
