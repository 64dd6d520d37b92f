"""Is the deployment's own text sound: pinned, quiet about registries, and clear about mistakes?"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paths import ROOT
from tests.secured_servers import find_program, sign

SCRIPT = ROOT / "scripts" / "deploy_staging.sh"
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
TOPOLOGY = {
    "ONBOARDING_REPLICAS": "127.0.0.1:8101",
    "CARDS_REPLICAS": "127.0.0.1:8102 127.0.0.1:8112",
    "WORKFLOW_REPLICAS": "127.0.0.1:8103",
    "PROMETHEUS_ADDRESS": "127.0.0.1:9090",
    "TLS_CERTIFICATE": "/etc/deploy/server.pem",
    "TLS_KEY": "/etc/deploy/server.key",
    "OPERATIONS_TOKEN": "a-token-of-this-test-0123",
}


def deploy(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments], env={**os.environ, **changes}, cwd="/",
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


def render(folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["python3", ROOT / "deploy" / "render.py", folder],
        env={**os.environ, **TOPOLOGY, **changes},
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--imgae", "x"), "unknown argument --imgae"),
        (("--image",), "--image wants a value"),
        (("--port-base", "80"), "from 1024 to 65500"),
        (("--port-base", "eighty"), "from 1024 to 65500"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_nothing_is_done(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = deploy("--state", str(tmp_path / "state"), *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TLS_CERTIFICATE": "/x.pem"}, "go together"),
        ({"CONTAINER_ENGINE": "no-such-engine"}, "there is no no-such-engine"),
    ],
)
def test_a_wrong_variable_is_one_sentence(changes: dict[str, str], said: str) -> None:
    done = deploy("--dry-run", **changes)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_dry_run_says_every_command_and_changes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = deploy("--dry-run", "--state", str(state), CONTAINER_ENGINE="true")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stdout.splitlines() if line.startswith("would run: ")]
    assert sum(" build " in line for line in said) == 4
    assert sum(" run --detach " in line for line in said) == 8
    assert said[-2].endswith("doctor --env staging")
    assert said[-1].endswith("e2e --env staging")
    assert not state.exists()


def test_help_names_every_option_and_variable() -> None:
    told = deploy("--help").stdout
    text = SCRIPT.read_text()
    read = set(re.findall(r"\$\{([A-Z][A-Z_]+):-", text)) - {"BASH_SOURCE"}
    assert {name for name in read if name not in told} == set()
    for option in ("--dry-run", "--image", "--env", "--state", "--port-base"):
        assert option in told


def test_every_image_is_of_the_one_pinned_base() -> None:
    bases = re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)
    assert set(bases) == {"${BASE}"}
    assert re.search(r"^ARG BASE=debian:bookworm-\d{8}-slim$", CONTAINERFILE, re.MULTILINE)


def test_every_image_runs_as_somebody_without_rights() -> None:
    stages = CONTAINERFILE.split("\nFROM ")[2:]
    users = [re.findall(r"^USER (\S+)", stage, re.MULTILINE) for stage in stages]
    assert [len(each) for each in users] == [1, 1, 1, 1]
    assert not {"root", "0", "0:0"} & {user for each in users for user in each}


def test_every_image_can_tell_whether_it_is_well() -> None:
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


def test_nginx_and_prometheus_take_what_is_rendered(tmp_path: Path) -> None:
    made = sign(tmp_path / "tls", "DNS:staging-cards.fylle.ai")
    run_folder = tmp_path / "nginx"
    run_folder.mkdir()
    done = render(tmp_path, TLS_CERTIFICATE=str(made.certificate), TLS_KEY=str(made.key),
                  RUN_FOLDER=str(run_folder))  # fmt: skip
    assert done.returncode == 0, done.stderr
    nginx = subprocess.run(
        [find_program("nginx"), "-t", "-c", tmp_path / "nginx.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert nginx.returncode == 0, nginx.stderr
    config = yaml.safe_load((tmp_path / "prometheus.yaml").read_text())
    assert [job["job_name"] for job in config["scrape_configs"]] == [
        "onboarding",
        "cards",
        "workflow",
    ]
    assert config["scrape_configs"][1]["static_configs"][0]["targets"] == [
        "127.0.0.1:8102", "127.0.0.1:8112",
    ]  # fmt: skip
    assert (tmp_path / "nginx.conf").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CARDS_REPLICAS": ""}, "CARDS_REPLICAS must be HOST:PORT of each replica"),
        ({"CARDS_REPLICAS": "a:1; evil"}, "CARDS_REPLICAS must be HOST:PORT of each replica"),
        ({"OPERATIONS_TOKEN": "short"}, "OPERATIONS_TOKEN must be at least 16"),
        ({"OPERATIONS_TOKEN": 'a" 1; } evil {{{{{{'}, "OPERATIONS_TOKEN must be at least 16"),
        ({"TLS_KEY": ""}, "TLS_KEY must be an absolute path"),
        ({"SCRAPE_INTERVAL": "often"}, "SCRAPE_INTERVAL must be as 15s"),
        ({"DOMAIN": "a;b"}, "DOMAIN must be a domain's name"),
    ],
)
def test_a_wrong_topology_is_one_sentence_that_tells_no_secret(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    done = render(tmp_path / "to", **changes)
    assert done.returncode == 2
    assert said in done.stderr
    assert "evil" not in done.stderr
    assert not (tmp_path / "to").exists()
