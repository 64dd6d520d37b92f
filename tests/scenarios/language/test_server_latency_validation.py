"""Every mistake in an objective on a histogram, with line and remedy."""

from pathlib import Path

import pytest

from scenarios.language.reader import read_scenario
from tests.scenarios.language.test_objectives import with_checks
from tests.scenarios.language.wrong_scenarios import problems_in

HISTOGRAM = "histogram: took_seconds"
SUMMARY = (
    "a quantile of a summary is an estimate of its process, which shows no share within a limit; "
    "name a histogram"
)


@pytest.mark.parametrize(("objective", "problem"), [
    ("p95: 2s", "the key 'checks.server_latency.0.histogram' is missing"),
    (HISTOGRAM, "the objective has no limit; add a percentile such as p95, or max"),
    ("histogram: took, p95: 2s", "the unit of took is not in its name; add unit: s, ms or us"),
    ("histogram: took, p95: 2s, unit: min", "must be 's', 'ms' or 'us'"),
    ("histogram: took_seconds_bucket, p95: 2s",
     "took_seconds_bucket is a sample of a histogram; write took_seconds"),
    ("histogram: took_seconds_count, p95: 2s",
     "took_seconds_count is a sample of a histogram; write took_seconds"),
    ("histogram: 'took_seconds{le=\"2.5\"}', p95: 2s",
     "a limit chooses its buckets by itself; leave out le"),
    ("histogram: 'took_seconds{quantile=\"0.95\"}', p95: 2s", SUMMARY),
    ("histogram: 'took_seconds{t=\"{{ tenat }}\"}', p95: 2s",
     "the variable 'tenat' is not defined here; did you mean tenant?"),
    ("histogram: 'rate(took_seconds)', p95: 2s", "is not a plain selector"),
    (f"{HISTOGRAM}, step: iteration, p95: 2s",
     "a histogram times requests, and not iterations; name a step, or leave step out"),
    (f"{HISTOGRAM}, step: raed, p95: 2s", "unknown step 'raed'; did you mean read?"),
    (f"{HISTOGRAM}, by: [le], p95: 2s",
     "le is the edge of a bucket, and no label to judge by; remove it"),
    (f"{HISTOGRAM}, by: [a, a], p95: 2s", "the label 'a' is named twice; remove one"),
    (f"{HISTOGRAM}, name: '--', p95: 2s",
     "the name has no letter or digit; write a few words"),
    (f"{HISTOGRAM}, within: 2s, share: 95%",
     "write a percentile: p95: 2.5s means that 95 % took at most 2.5 s"),
    ("metric: took_seconds, p95: 2s",
     'write histogram: request_seconds{route="/buy"}, without _bucket'),
])  # fmt: skip
def test_a_mistake_in_an_objective_has_its_remedy(
    tmp_path: Path, objective: str, problem: str
) -> None:
    problems = problems_in(with_checks(tmp_path, f"server_latency: [{{{objective}}}]"))
    assert any(problem in each for each in problems), problems


def test_two_limits_on_one_percentile_need_names(tmp_path: Path) -> None:
    twice = f"server_latency: [{{{HISTOGRAM}, p95: 2s}}, {{{HISTOGRAM}, p95: 1s}}]"
    assert problems_in(with_checks(tmp_path, twice)) == [
        "s.yaml:23: the p95 of 'took_seconds' has a limit already; remove one, or give one a name"
    ]
    named = twice.replace("p95: 1s", "p95: 1s, name: strict")
    assert read_scenario(with_checks(tmp_path, named)).checks.server_latency
