# Every job of this project has one name. `make` alone lists them.

PYTHON ?= python3
ARGS ?=
UV = uv==0.13.9

# Tests start hundreds of processes; without .pyc files each would compile the sources anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run audit test test-core test-all lint dist lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv from requirements.lock, and find or get Prometheus (PYTHON=python3)
	@command -v $(PYTHON) >/dev/null || { echo "setup: there is no $(PYTHON): install Python 3.11 \
	or later, or name the one that you have, as in \`make setup PYTHON=python3.11\`." >&2; exit 1; }
	@$(PYTHON) scripts/setup

run: setup ## the main job: start the stack, drive it, balance the books, report (ARGS="load --help")
	.venv/bin/python run.py $(ARGS)

# A worker gets a file at a time, since the tests of one share a costly fixture.
BY_FILE = --dist loadfile --no-loadscope-reorder

test: setup ## run the quick tests (ARGS="tests/setup -x")
	.venv/bin/python -m pytest -n 2 $(BY_FILE) -m "not long" $(ARGS)

test-core: setup ## run what `.ci/run` needs of the long tests: processes, a nightly, a fault, two workers
	.venv/bin/python -m pytest -n 2 $(BY_FILE) -m core $(ARGS)

test-all: setup ## run every test, also those that take minutes: every API fuzzed, Cards killed
	.venv/bin/python -m pytest -n 4 $(BY_FILE) --hypothesis-profile=thorough $(ARGS)

audit: setup ## put the harness on trial: seed every fault, and see each caught (ARGS="--only NAME")
	.venv/bin/python run.py audit $(ARGS)

# scripts/setup has no suffix by which the tools would find it.
lint: setup ## check the style, the format, the types, the import arrows and the dependencies
	.venv/bin/ruff check . scripts/setup
	.venv/bin/ruff format --check . scripts/setup
	.venv/bin/mypy
	.venv/bin/mypy --strict scripts/setup
	.venv/bin/lint-imports
	.venv/bin/deptry . 2>&1

dist: setup ## build dist/: the wheel, and the source distribution that it is built from
	rm -rf dist
	.venv/bin/python -m build --no-isolation --outdir dist

lock: ## write both requirements.lock anew from pyproject.toml (ARGS=--upgrade for newer packages)
	$(PYTHON) -m venv --clear .cache/uv
	.cache/uv/bin/python -m pip install --quiet --disable-pip-version-check $(UV)
	.cache/uv/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	    --generate-hashes --no-header --quiet $(ARGS) --output-file requirements.lock
	.cache/uv/bin/uv pip compile --group services --constraint requirements.lock --no-annotate \
	    --python-version 3.11 --python-platform linux --generate-hashes --no-header --quiet \
	    --output-file reference_services/requirements.lock
	rm -rf .cache/uv

clean: ## remove .venv, .cache and the tools' caches; runs/ stays
	rm -rf .venv .cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
