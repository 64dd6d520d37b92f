import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks.case import read_case
from checks.failures import failures_of
from checks.observations import Failure
from scenarios.evidence.exchange import Outcome
from tests.evidence_factory import GOOD, RUN_ID, TIMED_OUT, Load, Made, case_of, write_run

TOKEN = "Bearer ${SHOP_TOKEN}"


def _refused(reason: str = "status 409, expected 200", **detail: Any) -> tuple[Made, ...]:
    return (Made("open", Outcome.REJECTED, 409, reason, detail=detail),)


def _repeatable(**detail: Any) -> tuple[Made, ...]:
    return _refused(
        **{
            "method": "POST",
            "url": "http://shop.example/open",
            "content_type": "application/json",
            **detail,
        }
    )


def _failures(place: Path, *iterations: tuple[Made, ...], headers: dict[str, str] | None = None
              ) -> tuple[Failure, ...]:  # fmt: skip
    return failures_of(case_of(place, Load(iterations), headers=headers))


def _words(command: str, **variables: str) -> list[str]:
    """Let a real shell split a command into its words."""
    printed = subprocess.run(
        ["/bin/sh", "-c", f'set -- {command}; for word; do printf "%s\\0" "$word"; done'],
        capture_output=True, check=True, text=True, env=variables,
    ).stdout  # fmt: skip
    return printed.split("\0")[:-1]


def test_a_run_without_a_failure_has_no_groups(tmp_path: Path) -> None:
    assert _failures(tmp_path, GOOD, GOOD) == ()


def test_what_failed_alike_is_one_group_and_the_most_frequent_is_first(tmp_path: Path) -> None:
    groups = _failures(
        tmp_path, TIMED_OUT, _refused(), GOOD, _refused(), _refused("status 500, expected 200")
    )
    assert [(each.step, each.outcome, each.reason, each.count) for each in groups] == [
        ("open", "rejected", "status 409, expected 200", 2),
        ("use", "unknown", "read timeout", 1),
        ("open", "rejected", "status 500, expected 200", 1),
    ]


def test_a_group_tells_when_it_began_and_ended_and_one_request_to_look_for(
    tmp_path: Path,
) -> None:
    group = _failures(tmp_path, GOOD, _repeatable(answer_head="taken"), _refused())[0]
    assert (group.last_at - group.first_at).total_seconds() == pytest.approx(1.0, abs=1e-3)
    (sample,) = group.samples
    assert sample.trace_id == f"{RUN_ID}-load-3"
    assert (sample.request, sample.response_snippet) == ("POST http://shop.example/open", "taken")
    assert (sample.status, sample.reason) == (409, "status 409, expected 200")
    assert sample.duration_s == pytest.approx(0.1)
    assert sample.sent_at == group.first_at


def test_a_group_has_its_first_middle_and_last_request_of_those_that_can_be_repeated(
    tmp_path: Path,
) -> None:
    alike = [_repeatable(body=f"{number}") for number in range(9)]
    group = _failures(tmp_path, _refused(), *alike, _refused())[0]
    assert group.count == 11
    assert [_words(each.repeat)[-1] for each in group.samples] == ["0", "4", "8"]


def test_the_share_of_a_group_is_of_all_requests_of_its_step(tmp_path: Path) -> None:
    groups = _failures(tmp_path, GOOD, GOOD, _refused(), TIMED_OUT)
    assert {each.step: (each.count, each.step_count) for each in groups} == {
        "open": (1, 4),
        "use": (1, 3),
    }


def test_reasons_that_differ_in_what_the_response_had_are_one_group_of_several_samples(
    tmp_path: Path,
) -> None:
    made = [
        (replace(each, reason=f"total is {number}, expected 5", group="total is not as expected"),)
        for number in range(3)
        for each in _repeatable()
    ]
    (group,) = _failures(tmp_path, *made)
    assert group.reason == "total is not as expected, such as: total is 0, expected 5"
    assert [each.reason for each in group.samples] == [
        f"total is {number}, expected 5" for number in range(3)
    ]


def test_a_request_is_repeated_by_one_curl_command(tmp_path: Path) -> None:
    body = """{"name": "O'Hara & $(date) `id` \\\\ !"}"""
    group = _failures(tmp_path, _repeatable(body=body))[0]
    assert _words(group.samples[0].repeat) == [
        "curl", "-sS", "-X", "POST", "http://shop.example/open",
        "-H", f"X-Trace-ID: {RUN_ID}-load-1",
        "-H", "Content-Type: application/json", "--data-raw", body,
    ]  # fmt: skip


def test_a_secret_header_stands_as_its_variable_and_the_shell_puts_it_in(tmp_path: Path) -> None:
    headers = {"Authorization": TOKEN, "X-Note": 'say "hi" to $HOME and `id`, ${NAME}'}
    group = _failures(tmp_path, _repeatable(), headers=headers)[0]
    assert "${SHOP_TOKEN}" in group.samples[0].repeat
    words = _words(group.samples[0].repeat, SHOP_TOKEN="s3cret value", NAME="Ada")
    assert "Authorization: Bearer s3cret value" in words
    assert 'X-Note: say "hi" to $HOME and `id`, Ada' in words


def test_a_request_is_repeated_with_the_headers_of_its_service(tmp_path: Path) -> None:
    folder = write_run(tmp_path, Load((_repeatable(),)), services=("shop", "till"))
    run = folder.read_run()
    folder.write_run(replace(run, headers={"shop": {"X-A": "shop"}, "till": {"X-A": "till"}}))
    words = _words(failures_of(read_case(folder))[0].samples[0].repeat)
    assert "X-A: shop" in words
    assert "X-A: till" not in words


def test_a_body_is_repeated_as_it_was_sent(tmp_path: Path) -> None:
    group = _failures(tmp_path, _repeatable(body='{"text": "${NAME}"}'))[0]
    assert '{"text": "${NAME}"}' in _words(group.samples[0].repeat, NAME="Ada")


def test_a_request_that_never_took_shape_cannot_be_repeated(tmp_path: Path) -> None:
    not_sent = (Made("open", Outcome.NOT_SENT, None, "could not connect"),)
    assert _failures(tmp_path, not_sent)[0].samples[0].repeat == ""


def test_a_request_without_a_body_has_no_content_type(tmp_path: Path) -> None:
    group = _failures(tmp_path, _repeatable(method="GET", body=None))[0]
    assert "Content-Type" not in group.samples[0].repeat
    assert "-d" not in shlex.split(group.samples[0].repeat)


def test_at_most_fifty_groups_are_kept(tmp_path: Path) -> None:
    many = tuple(_refused(f"reason {number}") for number in range(60))
    assert len(_failures(tmp_path, *many)) == 50


def test_a_failure_is_named_by_the_id_of_its_traceparent_and_repeated_with_it(
    tmp_path: Path,
) -> None:
    case = case_of(tmp_path, Load((GOOD, _repeatable())))
    case = replace(case, run=replace(case.run, trace_header="traceparent"))
    sample = failures_of(case)[0].samples[0]
    header = f"traceparent: 00-{sample.trace_id}-{sample.trace_id[:16]}-01"
    assert len(sample.trace_id) == 32
    assert header in _words(sample.repeat)
