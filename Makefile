# make run starts everything; make help lists the rest. Needs Python 3.11; Node is optional.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint constraints.txt
# The lists of pyproject.toml, without building a package: this project runs from its folder.
LISTED = $(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print("\n".join($(1)))'
SOURCES := $(shell find web/src -type f 2>/dev/null) \
	$(wildcard web/package.json web/package-lock.json web/*.config.js)
PAGE := web/dist/graphiql.html

.PHONY: run test test-unit check fuzz faults load bench docs reference web clean help
.DEFAULT_GOAL := help

run: $(VENV)/.run web ## start the API with GraphiQL; an embedded PostgreSQL unless DATABASE_URL is set
	@exec $(BIN)/python server.py serve

test: $(VENV)/.dev web ## run the tests; TIMING=1 also judges how long things take
	@exec $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

test-unit: $(VENV)/.dev ## run the tests that need no database, in ten seconds
	@exec $(BIN)/python -m pytest tests/unit --numprocesses logical --maxprocesses 4

check: $(VENV)/.dev ## run every static check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(BIN)/python server.py schema | diff -u graph/schema.graphql - \
		|| { echo 'graph/schema.graphql is stale: .venv/bin/python server.py schema > graph/schema.graphql'; exit 1; }
	$(BIN)/python -m graph.schema_gate

fuzz: $(VENV)/.dev ## send 100,000 requests that no good client sends, five minutes; SEED=n repeats a run
	@exec $(BIN)/python -m tests.slow.fuzz $(if $(SEED),--seed $(SEED))

bench: $(VENV)/.run ## measure against other servers, 20 minutes; QUICK=1: two minutes
	@exec $(BIN)/python -m bench $(if $(QUICK),--quick,--plot bench/results.svg)

faults: $(VENV)/.dev ## kill, hang and cut off PostgreSQL, the network and workers under load, 10 minutes
	@exec $(BIN)/python -m tests.slow.faults

load: $(VENV)/.dev ## measure valid clients beside hostile and heavy ones, four minutes
	@$(BIN)/python -m tests.slow.load
	@exec $(BIN)/python -m tests.slow.load.heavy

docs: $(VENV)/.dev ## build the documentation into build/docs, without warnings or a network
	@$(BIN)/zensical build --strict --clean
	@echo 'read it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory build/docs 8001'

reference: $(VENV)/.dev ## write the reference pages again that follow from the code
	@exec $(BIN)/python -m docs.generator

web: ## build the GraphiQL page, where Node is installed and its sources changed
	@if ! command -v npm >/dev/null 2>&1; then \
		test -e $(PAGE) || echo 'no Node: GraphiQL comes from a CDN (install Node 20.19 or newer to bundle it)'; \
	else \
		$(MAKE) --silent --no-print-directory $(PAGE) \
		|| echo 'the GraphiQL page could not be built: it comes from a CDN'; \
	fi

$(PAGE): $(SOURCES) web/node_modules/.package-lock.json
	@echo 'building the GraphiQL page ...'
	@cd web && npm run --silent build -- --logLevel warn
	@touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@echo 'installing what web/package-lock.json names ...'
	@cd web && npm ci --no-audit --no-fund --loglevel=error --fetch-retries=1 >/dev/null
	@touch $@

clean: ## remove what was built; .data, the embedded database, stays
	rm -rf $(VENV) web/dist web/node_modules build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3 ...' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.run: constraints.txt pyproject.toml | $(BIN)/python
	@echo 'installing what pyproject.toml names ...'
	@$(call LISTED,p["dependencies"]) > $@.txt
	@$(PIP) --requirement $@.txt
	@touch $@

$(VENV)/.dev: constraints.txt pyproject.toml | $(BIN)/python
	@echo 'installing what pyproject.toml names, for tests too ...'
	@$(call LISTED,p["dependencies"] + p["optional-dependencies"]["dev"]) > $@.txt
	@$(PIP) --requirement $@.txt
	@touch $@ $(VENV)/.run
