"""Tests of the Containerfile, the locked versions and the compose file."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.paths import ROOT

CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text()


COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())


def test_every_image_is_of_the_one_pinned_base() -> None:
    bases = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    assert set(bases) == {"${BASE}"}
    assert re.search(r"^ARG BASE=debian:bookworm-\d{8}-slim$", CONTAINERFILE, re.MULTILINE)


def test_every_image_runs_as_an_unprivileged_user() -> None:
    stages = CONTAINERFILE.split("\nFROM ")[2:]
    users = [re.findall(r"^USER (\S+)", stage, re.MULTILINE) for stage in stages]
    assert [len(each) for each in users] == [1, 1, 1, 1]
    assert not {"root", "0", "0:0"} & {user for each in users for user in each}


def test_every_image_has_a_health_check() -> None:
    stages = CONTAINERFILE.split("\nFROM ")[2:]
    assert [len(re.findall("^HEALTHCHECK .* CMD ", each, re.MULTILINE)) for each in stages] == [
        1
    ] * 4


def test_no_registry_or_index_is_named_anywhere() -> None:
    images = [each["image"] for each in COMPOSE["services"].values()]
    images += re.findall(r"^ARG BASE=(\S+)$", CONTAINERFILE, re.MULTILINE)
    assert not [image for image in images if re.search("[.:]", image.partition("/")[0])
                and "/" in image]  # fmt: skip
    lock = (ROOT / "reference_services" / "requirements.lock").read_text()
    assert not re.search("://|--index-url|--find-links", lock)
    assert "index" not in CONTAINERFILE


def test_the_services_are_locked_to_the_versions_that_the_tests_run_with() -> None:
    whole, services = (
        pinned(ROOT / folder / "requirements.lock") for folder in (".", "reference_services")
    )
    assert services <= whole
    names = {name for name, _ in services}
    assert {"fastapi", "uvicorn", "sqlalchemy", "psycopg"} <= names
    assert not {"locust", "pandas", "pytest"} & names


def pinned(path: Path) -> set[tuple[str, str]]:
    return set(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))


def test_compose_publishes_on_the_loopback_only_and_gives_no_rights() -> None:
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "latest" not in service["image"], name
        assert f"AS {service['build']['target']}\n" in CONTAINERFILE, name


def test_every_image_takes_the_security_updates_of_its_packages() -> None:
    for stage in CONTAINERFILE.split("\nFROM ")[1:]:
        installs = stage.index("apt-get install")
        assert "apt-get upgrade -q -y" in stage[:installs]


def test_no_service_of_compose_has_the_password_of_another_role() -> None:
    for name, service in COMPOSE["services"].items():
        passwords = set(re.findall(r"\b(\w+_PASSWORD)\b", str(service["environment"])))
        own = {f"{name.upper()}_PASSWORD"} if name in ("cards", "onboarding", "workflow") else set()
        assert passwords == (own if name != "postgres" else passwords), name
    assert COMPOSE["services"]["prometheus"]["environment"] == {"PORT": "9090"}
