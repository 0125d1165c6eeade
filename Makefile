# The commands of this repository; `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint types contracts format engine images bench abuse lock clean

# The first Python that is new enough; another one: make PYTHON=/path/to/python
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
READY := .venv/.ready
SCRIPTS := .ci/run $(wildcard tools/* scenarios/*/*.sh)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install peerlab and the tools into .venv

# An interrupted set-up leaves a .venv without pip: that one is made anew. The lock is complete, so pip
# need not resolve: an extra in it (coverage[toml]) would let it reach for a release newer than the pin.
$(READY): requirements.lock pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: peerlab needs Python 3.11 or newer: install it, or name it: make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "make: $(PYTHON) cannot make environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q services peerlab # nodes see them read-only and would compile them at every start
	@touch $@

demo: $(READY) ## Play the demo scenario and watch it
	@if docker version >/dev/null 2>&1; then tools/base-image || echo "make: going on without an image"; fi
	$(BIN)/peerlab run --follow scenarios/demo.yaml

test: lint types contracts ## Run every check, every test and every scenario (options: make test PYTEST=...)
	$(BIN)/pytest tests scenarios $(PYTEST)

lint: $(READY) ## Check style and shell scripts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/shellcheck $(SCRIPTS)

types: $(READY) ## Check types
	$(BIN)/mypy

contracts: $(READY) ## Check that imports point the right way
	$(BIN)/lint-imports --no-logo

format: $(READY) ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

engine: ## Install and start a Docker engine (Debian, Ubuntu)
	@tools/engine

images: $(READY) ## Build the images, and the base image where no registry answers
	@tools/base-image
	$(BIN)/peerlab images
	docker compose build --quiet lab

bench: $(READY) ## Measure the lab and the chat (one table: make bench TABLES=networks)
	@$(BIN)/python -m compileall -q services peerlab
	$(BIN)/python -m benchmarks $(TABLES)

abuse: $(READY) ## Attack server and client at full size, for about a quarter of an hour (make abuse ATTACKS=storm)
	@$(BIN)/python -m compileall -q services peerlab
	$(BIN)/python -m tests.abuse $(ATTACKS)

# Pins stay as they are where they still fit; to renew them all: make lock UPGRADE=--upgrade
lock: ## Write requirements.lock anew from pyproject.toml
	scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PYTHON) -m venv "$$scratch" && \
	"$$scratch/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9 && \
	"$$scratch/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate $(UPGRADE) --group dev pyproject.toml --output-file requirements.lock

clean: ## Remove the environment and all caches (evidence in runs/ stays)
	rm -rf .venv build dist *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
