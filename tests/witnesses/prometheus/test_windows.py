from collections.abc import Sequence
from pathlib import Path

import pytest

from scenarios.evidence.run_folder import RunFolder
from tests.evidence_factory import BEGIN, END, READ_AT, SHOP, settled
from tests.witnesses.counted_quantities import uses_by_kind
from tests.witnesses.prometheus.collected import SHOP_LABELS, write_matrix, write_record
from witnesses.figure import Figure, Reason
from witnesses.prometheus.reading import read_prometheus
from witnesses.prometheus.samples import Sample
from witnesses.prometheus.windows import TargetLogs, Windows, file_name

_OTHER = {"job": SHOP[0], "instance": "shop:81"}
_TEA = ("tea",)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def _write_windows(folder: RunFolder, uses: Sequence[Sample], *ends: float) -> None:
    write_record(folder, ends)
    since = 0.0
    for number, end in enumerate(ends, 1):
        for name, samples in {
            "up": settled(1.0, 1.0)[: len(uses)],
            "start_times": settled(500.0, 500.0)[: len(uses)],
            "quantity-uses": uses,
        }.items():
            within = [(at, value) for at, value in samples if since <= at <= end]
            labels = {**SHOP_LABELS, **({"kind": "tea"} if name == "quantity-uses" else {})}
            write_matrix(folder, f"{name}-{number:04}", [(labels, within)] if within else [])
        since = end


def _figure(folder: RunFolder, labels: tuple[str, ...] = _TEA) -> Figure:
    return read_prometheus(folder).figures(uses_by_kind()).at(labels)


def test_a_sample_at_the_edge_of_two_windows_counts_once(folder: RunFolder) -> None:
    samples = settled(3, 7)
    _write_windows(folder, samples, samples[1][0], samples[2][0], READ_AT)
    assert _figure(folder) == Figure.exact(4.0)


def test_a_sample_in_two_windows_is_not_taken_for_two_scrapes_at_rest(folder: RunFolder) -> None:
    samples = settled(3, 7)[:-1]
    _write_windows(folder, samples, samples[-1][0], READ_AT)
    assert _figure(folder) == Figure.at_least(4.0, Reason.NOT_SETTLED)


def test_a_window_that_is_missing_makes_the_figure_void(folder: RunFolder) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    (folder.witnesses / "prometheus" / "quantity-uses-0001.json").unlink()
    assert _figure(folder) == Figure.void(Reason.NOT_COLLECTED)


def test_a_window_of_which_the_targets_are_not_known_leaves_no_exact_figure(
    folder: RunFolder,
) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    (folder.witnesses / "prometheus" / "up-0002.json").write_text("{")
    assert not _figure(folder).is_exact
    assert _figure(folder, ("coffee",)).value is None


def test_labels_in_another_order_are_the_same_series(folder: RunFolder) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    turned = {"kind": "tea", "job": SHOP[0], "instance": SHOP[1]}
    write_matrix(folder, "quantity-uses-0002", [(turned, settled(3, 7)[2:])])
    assert _figure(folder) == Figure.exact(4.0)


@pytest.mark.parametrize("windows", [(), (READ_AT,)])
def test_a_target_that_shows_nothing_at_all_has_no_zeros(
    folder: RunFolder, windows: tuple[float, ...]
) -> None:
    number = "-0001" if windows else ""
    write_record(folder, windows)
    write_matrix(
        folder, f"up{number}", [(each, settled(1.0, 1.0)) for each in (SHOP_LABELS, _OTHER)]
    )
    write_matrix(folder, f"start_times{number}", [(SHOP_LABELS, settled(500.0, 500.0))])
    write_matrix(
        folder,
        f"sample_counts{number}",
        [(SHOP_LABELS, settled(9.0, 9.0)), (_OTHER, settled(9.0, 0.0))],
    )
    write_matrix(folder, f"quantity-uses{number}", [])
    assert _figure(folder) == Figure.void(Reason.EMPTY_EXPOSITION)
    write_matrix(
        folder, f"quantity-uses{number}", [({**SHOP_LABELS, "kind": "tea"}, settled(3, 7))]
    )
    assert _figure(folder) == Figure.at_least(4.0, Reason.EMPTY_EXPOSITION)


def test_windows_are_numbered_so_that_their_names_sort() -> None:
    names = [file_name("up", number) for number in range(1, 200)]
    assert names[0] == "up-0001.json"
    assert names == sorted(names)


def test_each_window_is_read_by_itself_and_a_single_response_has_no_number(
    folder: RunFolder,
) -> None:
    path = folder.witnesses / "prometheus"
    _write_windows(folder, settled(3, 7), END, READ_AT)
    windows = [[each.samples for each in window] for window in Windows(path, 2).read_series("up")]
    assert windows == [[settled(1.0, 1.0)[:2]], [settled(1.0, 1.0)[2:]]]
    write_matrix(folder, "up", [(SHOP_LABELS, settled(1.0, 1.0))])
    windows = [[each.samples for each in window] for window in Windows(path, 0).read_series("up")]
    assert windows == [[settled(1.0, 1.0)]]


def test_a_window_may_lack_durations_and_sample_counts_but_not_scrapes(folder: RunFolder) -> None:
    _write_windows(folder, settled(3, 7), READ_AT)
    windows = Windows(folder.witnesses / "prometheus", 1)
    (targets,) = windows.read_targets()
    assert (targets["durations"], targets["sample_counts"]) == ([], [])
    (folder.witnesses / "prometheus" / "start_times-0001.json").unlink()
    with pytest.raises(OSError, match="No such file"):
        list(windows.read_targets())


def test_a_target_that_appears_in_a_later_window_has_a_scrape_log_of_its_own(
    folder: RunFolder,
) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    both = [(each, settled(1.0, 1.0)[2:]) for each in (SHOP_LABELS, _OTHER)]
    write_matrix(folder, "up-0002", both)
    targets = TargetLogs(BEGIN, END, fresh=False)
    for window in Windows(folder.witnesses / "prometheus", 2).read_targets():
        targets.add(window)
    ups = {name: list(builder.scrape_log.ups) for name, builder in targets.by_name.items()}
    assert ups == {SHOP: settled(1.0, 1.0), (SHOP[0], "shop:81"): settled(1.0, 1.0)[2:]}


def test_of_several_workers_on_a_page_the_one_that_started_last_counts(folder: RunFolder) -> None:
    """A worker that is replaced shows: the oldest lives on."""
    _write_windows(folder, settled(3, 7), READ_AT)
    oldest = ({**SHOP_LABELS, "pid": "1"}, settled(500.0, 500.0))
    replaced = ({**SHOP_LABELS, "pid": "2"}, settled(500.0, 1500.0))
    write_matrix(folder, "start_times-0001", [replaced, oldest])
    (log,) = read_prometheus(folder).scrape_logs.values()
    assert {started for _, started in log.start_times} == {500.0, 1500.0}


def test_a_target_that_was_there_twice_in_one_window_is_shared_in_all(folder: RunFolder) -> None:
    _write_windows(folder, settled(3, 7), END, READ_AT)
    twice = [({**SHOP_LABELS, "replica": name}, settled(1.0, 1.0)[:2]) for name in ("a", "b")]
    write_matrix(folder, "up-0001", twice)
    (log,) = read_prometheus(folder).scrape_logs.values()
    assert log.is_shared
