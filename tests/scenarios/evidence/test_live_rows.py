from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from scenarios.evidence.exchange import Mark, Outcome
from scenarios.evidence.live_rows import LiveLoad, LiveRows, StepTimes
from scenarios.evidence.recording import ROWS, Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "load.jsonl", "load", "load", 2, 9, ("ask", "pay"))
    yield recorder
    recorder.close()


def _live(recorder: Recorder) -> LiveRows:
    return LiveRows(recorder.path.with_suffix(ROWS))


def _ends(recorder: Recorder, number: int, done_s: float, outcome: Outcome = Outcome.OK,
          marks: int = 0) -> None:  # fmt: skip
    recorder.conclude(number, 0.0, done_s, outcome, 200, marks=marks)


def test_each_row_is_read_once_as_soon_as_it_has_its_outcome(recorder: Recorder) -> None:
    live = _live(recorder)
    assert len(live.read()) == 0
    one, two, three = (recorder.intend(each, 0, float(each)) for each in (1, 2, 3))
    assert len(live.read()) == 0
    _ends(recorder, two, 2.5)
    assert live.read()["iteration"].tolist() == [2]
    _ends(recorder, three, 3.5)
    _ends(recorder, one, 1.5)
    assert live.read()["iteration"].tolist() == [1, 3]
    assert live.read()["iteration"].tolist() == []
    _ends(recorder, recorder.intend(4, 0, 4.0), 4.5)
    assert live.read()["iteration"].tolist() == [4]


def test_rows_of_several_chunks_are_all_read(recorder: Recorder) -> None:
    live, count = _live(recorder), 0
    for number in range(1, 70_001):
        _ends(recorder, recorder.intend(number, 0, 0.0), 0.1)
        if number % 9_999 == 0:
            count += len(live.read())
    assert count + len(live.read()) == 70_000


def test_a_recording_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert len(LiveRows(tmp_path / "none.rows").read()) == 0


def test_a_percentile_is_exact_to_one_percent() -> None:
    times, step = np.random.default_rng(1).lognormal(-2, 0.5, 10_000), StepTimes()
    step.add(times[:5_000])
    step.add(times[5_000:])
    assert step.percentile(95.0) == pytest.approx(np.percentile(times, 95), rel=0.015)
    assert StepTimes().percentile(95.0) is None


def test_a_load_has_its_requests_failures_and_times_by_step_and_iteration(
    tmp_path: Path, recorder: Recorder
) -> None:
    load = LiveLoad(tmp_path, "load", "iteration")
    ask = recorder.intend(1, 0, 1.0)
    _ends(recorder, ask, 1.2)
    load.update()
    assert (load.requests["load"], load.iterations) == (1, 0)
    pay = recorder.intend(1, 1, 1.2)
    _ends(recorder, pay, 1.5, Outcome.REJECTED, marks=Mark.ITERATION)
    load.update()
    assert (load.requests["load"], load.failed["load"], load.iterations) == (2, 1, 1)
    found = {step: times.percentile(95.0) for step, times in load.times.items()}
    assert found == {
        "ask": pytest.approx(0.2, rel=0.02),
        "pay": pytest.approx(0.3, rel=0.02),
        "iteration": pytest.approx(0.5, rel=0.02),
    }


def test_the_recordings_of_workers_belong_to_a_load_and_those_of_other_profiles_do_not(
    tmp_path: Path,
) -> None:
    for name in ("load-w1", "load2", "load-setup"):
        recorder = Recorder(tmp_path / f"{name}.jsonl", name, name, 1, 1, ("ask",))
        _ends(recorder, recorder.intend(1, 0, 0.0), 0.1)
        recorder.close()
    load = LiveLoad(tmp_path, "load", "iteration")
    load.update()
    assert dict(load.requests) == {"load-w1": 1}
