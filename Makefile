# Everything starts here. Each target makes or refreshes .venv by itself; Python 3.11 or newer is all it needs.

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; `make PYTHON=/path/to/python up` chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Node comes with the requirements; a script of npm looks for it in PATH.
NPM := cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm --silent
WEB_SOURCES := $(shell find web/src web/public -type f -not -path 'web/src/api/generated/*') \
	$(addprefix web/,index.html vite.config.ts generate.mjs package-lock.json) $(wildcard contracts/openapi/*.json)
LOCK := $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11
# Two targets at once, the output of each in one piece where this make can do that.
BESIDE := $(MAKE) --no-print-directory -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.DEFAULT_GOAL := help
.PHONY: help up up-distributed web test test-distributed check bench faults web-report lock kube-check kube-tools bundle

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/main.stamp web/dist/.stamp ## install, build, then run the whole system on http://127.0.0.1:8080 (more: make up ARGS="--help")
	@exec $(BIN)/zhurnal up $(ARGS)

up-distributed: $(VENV)/local.stamp web/dist/.stamp ## the same as separate processes with Kafka and Envoy (the first time Maven is needed)
	@exec $(BIN)/zhurnal distributed $(ARGS)

web: web/dist/.stamp ## build the web client into web/dist

test: $(VENV)/dev.stamp web/node_modules/.dev.stamp web/dist/.stamp ## lint, types and the whole test suite (part of it: make test ARGS="tests/kit")
	@$(BESIDE) checks-python checks-web
	$(BIN)/python -m pytest -n auto $(ARGS)

# Parts of the above, beside each other.
.PHONY: checks-python checks-web
checks-python:
	$(BIN)/ruff check .
	$(BIN)/mypy

checks-web:
	$(NPM) run lint
	$(NPM) run check
	$(NPM) test

test-distributed: $(VENV)/dev.stamp web/node_modules/.dev.stamp web/dist/.stamp ## the browser journeys against the distributed system, unchanged
	TESTS_DISTRIBUTED=1 $(BIN)/python -m pytest -n 0 $(or $(ARGS),tests/browser tests/system/test_readme.py)

check: $(VENV)/dev.stamp web/node_modules/.dev.stamp ## format, lint, types and whether generated files are up to date; a minute
	$(BIN)/ruff format --check .
	@$(BESIDE) checks-python checks-web
	$(BIN)/python -m pytest -q tests/architecture tests/contracts

bench: $(VENV)/dev.stamp ## benchmarks against their limits (one of them: make bench ARGS="append --json")
	@exec $(BIN)/zhurnal bench $(ARGS)

faults: $(VENV)/dev.stamp ## the distributed system under faults (make faults MINUTES=30 SEED=7 JSON=faults.json)
	@exec $(BIN)/python -m tests.faults.campaign --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED)) $(if $(JSON),--json $(JSON))

web-report: $(VENV)/dev.stamp web/dist/.stamp web/report/node_modules/.stamp ## figures of the web client and Lighthouse, in a real browser (make web-report ARGS=--json)
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/zhurnal bench web $(ARGS)

kube-check: $(VENV)/dev.stamp ## render the charts by Helm and ask a real kube-apiserver about them; needs Go, the first time some minutes
	@$(BIN)/python -m tests.kube.check

kube-tools: $(VENV)/dev.stamp ## only build what kube-check needs: Helm, etcd, kube-apiserver
	@$(BIN)/python -m tests.kube.tools

bundle: $(VENV)/dev.stamp web/dist/.stamp ## dist/zhurnal-VERSION-PLATFORM.tar.gz: installs on a machine of this kind without a registry
	@$(BIN)/python deploy/bundle/bundle.py $(ARGS)

lock: $(VENV)/dev.stamp ## rewrite requirements/*.txt from requirements/*.in (newest: make lock ARGS=--upgrade)
	$(LOCK) $(ARGS) requirements/main.in -o requirements/main.txt
	$(LOCK) $(ARGS) requirements/local.in -c requirements/main.txt -o requirements/local.txt
	$(LOCK) $(ARGS) requirements/dev.in -c requirements/main.txt -c requirements/local.txt -o requirements/dev.txt

# A stamp is written last: an installation that was cut short is taken up again.
$(VENV)/main.stamp: requirements/main.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Нужен Python 3.11 или новее. / Python 3.11 or newer is needed." >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (once per change of requirements) ..." >&2
	@$(PIP) install --no-deps --require-hashes -r requirements/main.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/local.stamp: requirements/local.txt $(VENV)/main.stamp
	@$(PIP) install --no-deps --require-hashes -r requirements/local.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/main.stamp
	@$(PIP) install --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

# The client is built from what it needs to run; linters and tests are installed on top of that when they are asked for.
web/dist/.stamp: $(WEB_SOURCES) | web/node_modules/.main.stamp
	@echo "Building the web client ..." >&2
	@$(NPM) run build -- --logLevel warn
	@touch $@

web/node_modules/.main.stamp: web/package-lock.json | $(VENV)/main.stamp
	@echo "Installing what the web client is built with (once per change of its lock) ..." >&2
	@test web/node_modules/.dev.stamp -nt $< || { $(NPM) ci --omit=dev; }
	@touch $@

web/node_modules/.dev.stamp: web/package-lock.json | $(VENV)/main.stamp
	@echo "Installing the web client's linters and tests (once per change of its lock) ..." >&2
	@$(NPM) ci
	@touch $@ web/node_modules/.main.stamp

web/report/node_modules/.stamp: web/report/package-lock.json | $(VENV)/main.stamp
	@echo "Installing Lighthouse (once per change of its lock) ..." >&2
	@cd web/report && PATH="$(CURDIR)/$(BIN):$$PATH" npm --silent ci
	@touch $@
