from pathlib import Path
from typing import Any

from config.secrets import MAX_LENGTH
from scenarios.evidence.exchange import Outcome
from tests.scenarios.engine.engine_doubles import FakeRunner, make_load
from tests.scenarios.engine.locust_child import in_locust_child


def opened(folder: str) -> tuple[Any, FakeRunner, Any]:
    from locust.env import Environment

    from scenarios.engine.recording_sender import RecordingSender

    load, runner, sender = make_load(Path(folder)), FakeRunner(), RecordingSender
    return load, runner, sender(Environment(), runner, load)  # type: ignore[arg-type]


def send_and_confirm(folder: str) -> list[Any]:
    load, runner, sender = opened(folder)
    load.recorder.intend(1, 0, 1.0)
    load.recorder.conclude(1, 1.0, 1.1, Outcome.OK, 200)
    load.end_iteration(True, 1.1, 1.0)
    sender.send()
    batches = runner.named("batch")
    unconfirmed = sender.wait_for_confirmation(0.0)
    sender.confirm(batches[-1]["batch"])
    confirmed = sender.wait_for_confirmation(0.0)
    sender.send()
    load.close()
    sender.send_last()
    return [
        [(batch["batch"], batch["ended"], batch.get("is_last")) for batch in runner.named("batch")],
        [unconfirmed, confirmed],
    ]


def test_new_rows_are_sent_once_and_the_last_batch_is_marked(tmp_path: Path) -> None:
    batches, (before, after) = in_locust_child(send_and_confirm, tmp_path)
    assert batches == [[1, 1, None], [2, 1, True]]
    assert (before, after) == (False, True)


def send_again(folder: str) -> list[int]:
    from scenarios.engine import recording_sender as module

    module._RESEND_S = -1.0
    _, runner, sender = opened(folder)
    for _ in range(3):
        sender.send()
    sender.confirm(1)
    sender.send()
    return [batch["batch"] for batch in runner.named("batch")]


def test_a_batch_is_sent_again_until_it_is_confirmed(tmp_path: Path) -> None:
    batches = in_locust_child(send_again, tmp_path)
    assert len(batches) >= 3
    assert set(batches) == {1}


def learn_and_end(folder: str) -> list[Any]:
    load, runner, sender = opened(folder)
    load.assignment.flow.secrets.learn({"token": "t0ken-of-a-worker", "huge": "x" * 30_000})
    load.close()
    sender.send_last()
    sent = [name for name, *_ in runner.sent if name in ("learned", "batch")]
    return [sent, runner.named("learned")]


def test_what_a_worker_learned_is_sent_before_its_last_batch(tmp_path: Path) -> None:
    sent, learned = in_locust_child(learn_and_end, tmp_path)
    assert sent[0] == "learned"
    assert learned == [{"secrets": ["t0ken-of-a-worker", "x" * MAX_LENGTH]}]
