"""Tokens, keys and variables through whole commands: accepted everywhere, and kept nowhere."""

import json
import os
from pathlib import Path

import pytest

from scenarios.evidence.exchange import Outcome
from tests.integration.command import Start
from tests.token_server import TokenEndpoint, TokenServer, serving_tokens

ENVIRONMENT = """
environment: shop
services:
  shop:
    url: {url}
    probe: /orders
    metrics: none
    auth:
      oauth2: {{token_url: "{url}/token", client_id: ada, client_secret: "${{SHOP_SECRET}}"}}
exclusive: true
load: {{allowed: true, max_users: 100, max_rate: 1000/s}}
"""
SCENARIO = """
scenario: shop
flow:
  - step: order
    request: POST shop /orders?key=${{SHOP_KEY}}
    json: {{pin: "${{SHOP_PIN}}"}}
    expect: {expect}
profiles:
  load: {{users: 6, duration: {duration}}}
  e2e: {{users: 1, iterations: 1}}
"""
SECRETS = {"SHOP_SECRET": "s3cret-of-client", "SHOP_KEY": "k3y/of shop", "SHOP_PIN": "p1n-81749"}
UNENCODED = ["k3y/of shop", "k3y%2Fof%20shop"]


def files(
    folder: Path, server: TokenServer, duration: str = "5s", expect: str = "{status: 200}"
) -> list[str]:
    """Write both files; return the options for them."""
    environment, scenario = folder / "shop.yaml", folder / "orders.yaml"
    environment.write_text(ENVIRONMENT.format(url=server.url))
    scenario.write_text(SCENARIO.format(duration=duration, expect=expect))
    return ["--env", str(environment), "--scenario", str(scenario)]


def kept_secrets(folder: Path, server: TokenServer) -> set[str]:
    """Return the secrets that stand in any file of a run."""
    tokens = [token for token, _ in server.endpoint.issued]
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert texts
    secrets = [*tokens, *SECRETS.values(), *UNENCODED]
    return {secret for secret in secrets if any(secret.encode() in text for text in texts)}


@pytest.mark.long
def test_two_processes_with_short_tokens_are_never_refused_and_ask_for_no_token_too_many(
    start: Start, tmp_path: Path
) -> None:
    """Each process asks at the beginning, and again after nine of ten seconds."""
    endpoint = TokenEndpoint(10.0)
    with serving_tokens(endpoint) as server:
        options = files(tmp_path, server, "24s")
        ended = start("load", *options, "--profile", "load", "--workers", "2", **SECRETS).wait()
    assert ended.says_nothing_wrong(), ended.stderr
    recordings = ended.recordings("load")
    assert len(recordings) == 2
    assert all(each.exchanges.ok.all() for each in recordings), ended.stdout
    assert 401 not in server.statuses
    times_s = [at_s for _, at_s in endpoint.issued]
    most = int((max(times_s) - min(times_s)) / 9) + 1
    # two workers, and this command, which sends the probe
    assert 2 * 2 < len(times_s) <= 3 * most
    assert kept_secrets(ended.folder, server) == set()


@pytest.mark.core
@pytest.mark.long
def test_an_echo_of_each_secret_is_kept_nowhere_and_judging_again_needs_no_variable(
    start: Start, tmp_path: Path
) -> None:
    with serving_tokens() as server:
        options = files(tmp_path, server, expect="{json: {sent: nothing}}")
        ended = start("e2e", *options, "--profile", "e2e", **SECRETS).wait()
    (recording,) = ended.recordings("e2e")
    assert recording.exchanges.first().outcome is Outcome.REJECTED
    assert kept_secrets(ended.folder, server) == set()
    scenario = (ended.folder / "evidence" / "scenario.yaml").read_text()
    assert "${SHOP_KEY}" in scenario
    before = ended.result
    assert not SECRETS.keys() & os.environ.keys()
    again = start("check", str(ended.folder)).wait()
    assert again.code == ended.code
    assert json.loads((ended.folder / "result.json").read_text()) == before


@pytest.mark.core
@pytest.mark.long
def test_a_variable_that_is_not_set_is_one_sentence_and_nothing_is_sent(
    start: Start, tmp_path: Path
) -> None:
    with serving_tokens() as server:
        given = {name: value for name, value in SECRETS.items() if name != "SHOP_PIN"}
        ended = start("e2e", *files(tmp_path, server), "--profile", "e2e", **given).wait()
    assert ended.code == 2
    assert "orders.yaml:6: the environment variable SHOP_PIN is not set; export it first" in (
        ended.stderr
    )
    assert server.paths == []


@pytest.mark.core
@pytest.mark.long
def test_a_refused_client_is_one_sentence_and_sends_nothing(start: Start, tmp_path: Path) -> None:
    with serving_tokens(answer=lambda: (401, b'{"error": "invalid_client"}')) as server:
        ended = start("e2e", *files(tmp_path, server), "--profile", "e2e", **SECRETS).wait()
    reason = f"no token: {server.url}/token refused the client with status 401: invalid_client"
    assert ended.finding("headers/shop")["observed"] == f"it was not asked: {reason}"
    assert "/orders" not in {path.partition("?")[0] for path in server.paths}
    assert server.paths.count("/token") == 1
