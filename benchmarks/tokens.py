"""Drive a real load or watch with tokens of 20 s; count refused requests and needless tokens.

    python -m benchmarks.tokens --for 10m
    python -m benchmarks.tokens --command watch --for 1h

One process sends all requests, so that a token is needed 18 s after the one before it, when a tenth
of its lifetime is left. The endpoint sees requests a little later than they were sent, so that it
may see them less apart. Exits with 1 if a request had status 401, or a token was requested earlier.
"""

import argparse
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from config.units import parse_duration
from tests.token_server import TokenEndpoint, TokenServer, serving_tokens

ROOT = Path(__file__).resolve().parents[1]
LIFETIME_S, RENEWED_S, DELAY_S = 20.0, 18.0, 1.0
REFUSED = 401
ENVIRONMENT = """
environment: shop
services:
  shop:
    url: {url}
    metrics: none
    auth:
      oauth2: {{token_url: "{url}/token", client_id: ada, client_secret: "${{SHOP_SECRET}}"}}
exclusive: true
load: {{allowed: true}}
"""
SCENARIO = """
scenario: shop
flow:
  - {{step: order, request: POST shop /orders, json: {{}}}}
  - think: 50ms to 150ms
profiles:
  load: {{users: 6, duration: {length}}}
"""
OPTIONS = {"load": "--profile load", "watch": "--for {length} --flow-every 1s"}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--command", choices=list(OPTIONS), default="load")
    parser.add_argument("--for", dest="length", default="10m", help="duration (10m)")
    options = parser.parse_args(arguments)
    parse_duration(options.length)
    with serving_tokens(TokenEndpoint(LIFETIME_S)) as server, TemporaryDirectory() as folder:
        run(server, Path(folder), options.command, options.length)
    return print_summary(server)


def run(server: TokenServer, folder: Path, command: str, length: str) -> None:
    """Run the command to its end; its output is shown."""
    (folder / "shop.yaml").write_text(ENVIRONMENT.format(url=server.url))
    (folder / "orders.yaml").write_text(SCENARIO.format(length=length))
    subprocess.run(
        [sys.executable, "run.py", command, *OPTIONS[command].format(length=length).split(),
         "--env", str(folder / "shop.yaml"), "--scenario", str(folder / "orders.yaml"),
         "--runs", str(folder / "runs")],
        cwd=ROOT, env={**os.environ, "SHOP_SECRET": "s3cret-of-client"}, check=False,
    )  # fmt: skip


def print_summary(server: TokenServer) -> int:
    """Print what the server saw; return the exit code."""
    gaps_s = [later - earlier for (_, earlier), (_, later) in pairwise(server.endpoint.issued)]
    refused, orders = server.statuses.count(REFUSED), server.paths.count("/orders")
    needless = sum(gap_s < RENEWED_S - DELAY_S for gap_s in gaps_s)
    print(f"requests   {orders:,}, of which {refused:,} refused")
    print(f"tokens     {len(server.endpoint.issued):,}, of which {needless:,} needless")
    print(f"intervals  {min(gaps_s, default=0):.3f} s to {max(gaps_s, default=0):.3f} s")
    return int(bool(refused or needless) or not orders)


if __name__ == "__main__":
    sys.exit(main())
