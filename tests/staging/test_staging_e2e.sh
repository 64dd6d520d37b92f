#!/usr/bin/env bash
# Staging from end to end: deploy, health checks, E2E, metrics, load test, report.
#
# Every argument is passed on to scripts/deploy_staging.sh; --state FOLDER is where that keeps what
# the harness needs (deploy/state). ENVIRONMENT is the environment's name or file (staging), RUNS the
# folder for reports. Exit code 0 if every step passed.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

state=deploy/state
for ((n = 1; n < $#; n++)); do
    [[ ${!n} != --state ]] || { next=$((n + 1)); state=${!next}; }
done
environment=${ENVIRONMENT:-staging} runs=${RUNS:-runs}
run() { .venv/bin/python run.py "$@"; }
step() { printf '\n== %s\n' "$*"; }

step "1 of 6: deploy"
scripts/deploy_staging.sh "$@" --env "$environment"
set -a
# shellcheck disable=SC1091  # the deployment writes it
. "$state/staging.env"
set +a

step "2 of 6: health checks"
run doctor --env "$environment"

step "3 of 6: E2E"
run e2e --env "$environment" --runs "$runs"
E2E_ENV=$environment .venv/bin/python -m pytest -q -m long tests/e2e

step "4 of 6: metrics"
.venv/bin/python - "$environment" <<'PYTHON'
import sys
from contextlib import closing

from witnesses.prometheus.client import PrometheusClient
from config.environment import find_environment, read_environment

environment = read_environment(find_environment(sys.argv[1]))
with closing(PrometheusClient(environment.prometheus, environment.network)) as client:
    created = client.query("sum(onboarding_cards_created_total)", None).result
print(f"onboarding_cards_created_total {created[0]['value'][1] if created else 'no data'}")
sys.exit(not created or float(created[0]["value"][1]) < 4)
PYTHON

step "5 of 6: load test"
scripts/load_test_onboarding.sh --requests 100 --concurrency 10 --env "$environment" --runs "$runs"

step "6 of 6: report"
test -s "$runs/latest/report.html"
test -s "$runs/latest/junit.xml"
printf 'every step passed: %s\n' "$runs/latest/report.html"
