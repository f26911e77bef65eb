# Prism's commands. `make help` lists them. Needed on the machine: Python 3.11 or newer, and make.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Extra arguments of a target, such as: make demo ARGS=--once
ARGS ?=
# Test processes; PostgreSQL and Kafka want a share of the machine too.
WORKERS ?= 2
RUN_TESTS = $(PY) -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term:skip-covered

##@ Use
.PHONY: demo
demo: $(STAMP) ## Everything on this machine with a sample tenant, until Ctrl-C (ARGS=--once: show, check, exit)
	@$(PY) -m prism.demo $(ARGS)

##@ Develop
.PHONY: services services-stop chromium test lint format lock
services: $(STAMP) ## Start only the embedded PostgreSQL and Kafka, and print their addresses
	@$(PY) -m prism.embedded start $(ARGS)

services-stop: $(STAMP) ## Stop them; their data stay
	@$(PY) -m prism.embedded stop $(ARGS)

chromium: ## The system's browser, which some tests use as a person would (installed where that can be done)
	@for name in "$$CHROMIUM" chromium chromium-browser google-chrome google-chrome-stable; do \
		if command -v "$$name" >/dev/null; then exit 0; fi; \
	done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
		echo "The browser tests need Chromium: apt install chromium, or name a Chrome: CHROMIUM=/path/to/chrome make test"; \
		exit 1; \
	fi; \
	echo "Installing Chromium for the browser tests (once) ..."; \
	mkdir -p .local; \
	{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium; } \
		>.local/chromium.log 2>&1 || { tail -5 .local/chromium.log; exit 1; }

test: $(STAMP) chromium ## All tests on real PostgreSQL and Kafka, with coverage (ARGS="tests/outbox -k lease")
	@$(RUN_TESTS) $(ARGS)

format: $(STAMP) ## Let ruff mend what it can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

lock: ## Make requirements/*.txt anew from requirements/*.in (needs uv; ARGS=--upgrade for newer versions)
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	@cd requirements && for set in runtime dev; do \
		uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes \
			--custom-compile-command "make lock" $(ARGS) $$set.in --output-file $$set.txt || exit 1; done

##@ Prove
.PHONY: check chaos bench pictures
lint: $(STAMP) ## The checks of `make check` that need no service
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

check: lint chromium ## What CI runs: lint, migrations, deployment check, AsyncAPI, OpenAPI, then all tests
	@$(PY) -m prism.embedded run -- sh -ec '\
		$(PY) manage.py makemigrations --check --dry-run; \
		PRISM_ENV=production ALLOWED_HOSTS=prism.example $(PY) manage.py check --deploy --fail-level WARNING; \
		$(PY) manage.py export_asyncapi --check; \
		$(PY) manage.py export_openapi --check'
	@$(RUN_TESTS) $(ARGS)

chaos: $(STAMP) ## The long rounds of kill -9, freezes and restarts under load
	@$(PY) -m pytest --long -m long -o faulthandler_timeout=3600 $(ARGS)

bench: $(STAMP) ## Measure Prism against a bare script; writes .local/bench.jsonl (ARGS=--quick)
	@$(PY) -m bench $(ARGS)

pictures: $(STAMP) chromium ## Take the README's pictures anew, of what really runs
	@PRISM_PICTURES=docs/pictures $(PY) -m pytest -q tests/browser/test_pictures.py

##@ Tidy
.PHONY: clean help
clean: ## Stop the embedded services and remove .venv, .local (their data too) and caches
	@if [ -x $(PY) ]; then $(PY) -m prism.embedded clean; fi
	@rm -rf $(VENV) .local .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment. The stamp is newer than the lock file exactly when the last install went through.
.PHONY: $(VENV)
$(VENV): $(STAMP)

$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Prism needs Python 3.11 or newer as '$(PYTHON)'; name another one with: make PYTHON=/path/to/python"; exit 1; }
	@if command -v uv >/dev/null; then \
		echo "Installing the locked packages into $(VENV) (uv) ..."; \
		{ [ -x $(PY) ] || $(PYTHON) -m venv --without-pip $(VENV); } \
		&& uv pip sync --quiet --python $(PY) requirements/dev.txt; \
	else \
		$(PYTHON) -c 'import ensurepip' 2>/dev/null \
			|| { echo "Python's venv module is incomplete here; on Debian: apt install python3-venv"; exit 1; }; \
		echo "Installing the locked packages into $(VENV) (pip; the first time takes about a minute) ..."; \
		$(PYTHON) -m venv $(VENV) \
		&& $(PY) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/dev.txt; \
	fi
	@touch $@
