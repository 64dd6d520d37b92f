"""Tests of the sockets and addresses of a local stack, without starting it."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from reference_services.faults.deployment import DEPLOYMENTS
from reference_services.stack.topology import SERVICES, LocalStack

SEPARATE = {
    "connection-cut": ("workflow",),
    "visible-restart": ("cards", "cards-2"),
    "hidden-restart": ("cards", "cards-2"),
    "workers-apart": (),
    "replica-not-scraped": ("cards-2",),
}


def stack_of(fault: str | None, folder: Path) -> LocalStack:
    return LocalStack(folder, fault, nullcontext())


@pytest.mark.parametrize("fault", DEPLOYMENTS)
def test_only_what_is_behind_a_proxy_or_second_has_a_socket_of_its_own(
    fault: str, tmp_path: Path
) -> None:
    assert stack_of(fault, tmp_path)._separate_listeners() == SEPARATE[fault]


def test_a_normal_stack_needs_no_separate_sockets(tmp_path: Path) -> None:
    assert stack_of(None, tmp_path)._separate_listeners() == ()
    assert stack_of("slow-tail", tmp_path)._separate_listeners() == ()


def test_stopping_a_stack_that_never_started_does_nothing(tmp_path: Path) -> None:
    stack_of(None, tmp_path / "absent").stop()
    assert not (tmp_path / "absent").exists()


def test_every_service_has_a_database_file_in_the_folder(tmp_path: Path) -> None:
    stack = stack_of(None, tmp_path)
    urls = {stack._database_url(name) for name in SERVICES}
    assert urls == {f"sqlite:///{tmp_path.resolve()}/{name}.db" for name in SERVICES}
