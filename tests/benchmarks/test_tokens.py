from collections.abc import Sequence

import pytest

from benchmarks.tokens import REFUSED, print_summary
from tests.token_server import TokenEndpoint, TokenServer


def served(issued_s: Sequence[float], statuses: Sequence[int] = (200, 200)) -> TokenServer:
    endpoint = TokenEndpoint(issued=[(f"t{at_s}", at_s) for at_s in issued_s])
    return TokenServer("", endpoint, ["/orders"] * len(statuses), list(statuses))


def test_tokens_that_were_renewed_in_time_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_summary(served([0.0, 17.9, 36.1])) == 0
    assert "tokens     3, of which 0 needless" in capsys.readouterr().out


@pytest.mark.parametrize(
    "server",
    [
        served([0.0, 0.1, 18.1]),
        served([0.0], [200, REFUSED]),
        served([0.0], []),
    ],
    ids=["requested twice", "refused", "nothing was sent"],
)
def test_what_is_wrong_fails(server: TokenServer) -> None:
    assert print_summary(server) == 1
