"""Tests of the OpenAPI documents against the running services, with Schemathesis."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import URL

from tests.paths import ROOT
from tests.patience import HANGS_S
from tests.reference_services.databases import (
    SERVICES,
    Databases,
    postgresql_databases,
    sqlite_databases,
)
from tests.reference_services.openapi.report import Trials, read_trials
from tests.reference_services.services import (
    SNAPSHOT,
    Service,
    Stack,
    as_tenant,
    cards_service,
    onboarding_service,
    workflow_service,
)

CONFIG = ROOT / "tests" / "reference_services" / "openapi"
ADA = as_tenant("11111111-1111-4111-8111-111111111111", authorization="Bearer the-users-token")

UNGUARDED = {"/health", "/ready", "/metrics"}

QUICK_EXAMPLES = 12
QUICK_SEED = "1"
LONG_EXAMPLES = 500

CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "object_level_authorization",
}
PHASES = {"examples", "coverage", "fuzzing", "stateful"}
METHOD_NOT_ALLOWED = 405
OFTEN = 3


@dataclass(frozen=True)
class OpenApiDocument:
    """OpenAPI document of one service."""

    text: Mapping[str, Any]

    def operations(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name (method and path) and the definition of each operation."""
        for path, methods in self.text["paths"].items():
            for method, operation in methods.items():
                yield f"{method.upper()} {path}", operation

    def statuses(self) -> set[tuple[str, int]]:
        """Return the declared statuses of each operation."""
        return {
            (name, int(status))
            for name, operation in self.operations()
            for status in operation["responses"]
        }

    def links(self) -> set[str]:
        """Return the links, named as Schemathesis names them."""
        names = {operation["operationId"]: name for name, operation in self.operations()}
        return {
            f"{name} -> [{status}] {link} -> {names[target['operationId']]}"
            for name, operation in self.operations()
            for status, response in operation["responses"].items()
            for link, target in response.get("links", {}).items()
        }


@contextmanager
def guarded_stack(databases: Databases) -> Iterator[Stack]:
    """Run the three services within the block, with tokens as in production."""
    users = {"API_TOKENS": "the-users-token"}
    with cards_service(databases, **users, SERVICE_TOKENS="the-services-token") as cards:
        calling = {**users, "CARDS_URL": cards.url, "CARDS_TOKEN": "the-services-token"}
        with (
            onboarding_service(databases, None, **calling) as onboarding,
            workflow_service(databases, None, **calling) as workflow,
        ):
            yield Stack(onboarding, cards, workflow)


def read_document(service: Service) -> OpenApiDocument:
    return OpenApiDocument(service.http.get("/openapi.json").json())


def try_out(stack: Stack, name: str, folder: Path, examples: int, *options: str) -> Trials:
    """Run all phases of Schemathesis against one service and return its report."""
    service: Service = getattr(stack, name)
    made = stack.cards.http.post("/api/v1/cards/batch", json=SNAPSHOT, headers=ADA).json()
    record = folder / "record.ndjson"
    arguments = [
        *("--config-file", str(CONFIG / "schemathesis.toml"), "run", f"{service.url}/openapi.json"),
        *("--checks", "all", "--phases", ",".join(sorted(PHASES))),
        *("--max-examples", str(examples), "--continue-on-failure", "--no-color"),
        *("--report", "ndjson", "--report-ndjson-path", str(record), *options),
    ]
    run = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", *arguments],
        cwd=folder,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "USERS": str(CONFIG / "users.json"),
            "CARD_IDS": ",".join(card["card_id"] for card in made["cards"]),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(run.stdout)  # with the seed, which `--seed` takes
    assert run.returncode == 0, run.stdout
    return read_trials(record)


def assert_thorough(trials: Trials, document: OpenApiDocument, examples: int) -> None:
    """Every operation, phase and check was exercised."""
    names = {name for name, _ in document.operations()}
    assert trials.checks >= CHECKS
    assert set(trials.cases) == PHASES
    assert {name: trials.fuzzed[name] for name in names if trials.fuzzed[name] < examples} == {}
    protected = {name for name in names if " /api/" in name}
    assert {(name, mode) for name in protected for mode in ("positive", "negative")} <= trials.modes


def assert_declared(trials: Trials, document: OpenApiDocument) -> None:
    """Every received status is declared, and none is a 5xx."""
    declared, names = document.statuses(), {name for name, _ in document.operations()}
    for method, path, status in trials.answers:
        if f"{method} {path}" in names:
            assert (f"{method} {path}", status) in declared
        else:
            assert status == METHOD_NOT_ALLOWED
        assert status < 500


def assert_leading(trials: Trials, document: OpenApiDocument) -> None:
    """The declared links were followed, and each led to an accepted request."""
    often = {link for link in document.links() if trials.followed[link] >= OFTEN}
    assert document.links() & trials.reached
    assert often <= trials.reached


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with guarded_stack(sqlite_databases(tmp_path_factory.mktemp("guarded"))) as stack:
        yield stack


@pytest.mark.parametrize("name", SERVICES)
def test_every_declared_scheme_is_needed_beside_the_others(guarded: Stack, name: str) -> None:
    """Schemathesis itself spoils one scheme while leaving out all others, which proves less."""
    service: Service = getattr(guarded, name)
    for operation, text in read_document(service).operations():
        method, path = operation.replace("{", "").replace("}", "").split()
        for scheme in {} if path in UNGUARDED else ADA:
            assert [set(each) for each in text["security"]] == [{"token", "X-Tenant-ID"}]
            lacking = {header: value for header, value in ADA.items() if header != scheme}
            assert service.http.request(method, path, headers=lacking).status_code == 401
            spoilt = ADA | {scheme: "Bearer another"}
            status = service.http.request(method, path, headers=spoilt).status_code
            assert status == (401 if scheme == "authorization" else 400)


def test_every_method_of_a_path_is_allowed(guarded: Stack) -> None:
    answer = guarded.cards.http.options("/api/v1/cards/retrieve", headers=ADA)
    assert answer.status_code == METHOD_NOT_ALLOWED
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "POST"}


def test_an_operation_id_is_the_function_name_and_an_alias_is_not_listed(guarded: Stack) -> None:
    operations = dict(read_document(guarded.workflow).operations())
    assert operations["POST /api/v1/workflows/execute"]["operationId"] == "execute_workflow"
    assert "POST /api/v1/workflow/execute" not in operations


def test_a_card_of_a_batch_names_no_other_tenant(guarded: Stack) -> None:
    card = {"card_type": "voice", "content": {}, "tenant_id": str(uuid4())}
    answer = guarded.cards.http.post("/api/v1/cards/batch", json={"cards": [card]}, headers=ADA)
    assert answer.status_code == 400


@pytest.mark.core
@pytest.mark.long
@pytest.mark.parametrize("name", SERVICES)
def test_a_quick_schemathesis_run_finds_no_contradiction(
    guarded: Stack, name: str, tmp_path: Path
) -> None:
    trials = try_out(guarded, name, tmp_path, QUICK_EXAMPLES, "--seed", QUICK_SEED)
    document = read_document(getattr(guarded, name))
    assert_thorough(trials, document, QUICK_EXAMPLES)
    assert_declared(trials, document)
    assert_leading(trials, document)


@pytest.mark.long
@pytest.mark.timeout(HANGS_S)
@pytest.mark.parametrize("name", SERVICES)
def test_a_long_schemathesis_run_on_postgresql_finds_no_contradiction(
    postgresql: URL, name: str, tmp_path: Path
) -> None:
    """At least 500 fuzzed requests per operation, and every declared link followed."""
    with postgresql_databases(postgresql) as databases, guarded_stack(databases) as stack:
        trials = try_out(stack, name, tmp_path, LONG_EXAMPLES)
        document = read_document(getattr(stack, name))
    assert_thorough(trials, document, LONG_EXAMPLES)
    assert_declared(trials, document)
    assert_leading(trials, document)
    assert document.links() <= trials.reached


def test_openapi_declares_the_error_form_and_no_other(service: Service) -> None:
    document = service.http.get("/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(document)
    for path, methods in document["paths"].items():
        if path.startswith("/api"):
            for operation in methods.values():
                assert {"400", "401", "413", "422", "500"} <= set(operation["responses"])
                assert operation["security"] == [{"X-Tenant-ID": []}]
