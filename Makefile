# The one door: `make help` lists what is behind it.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BARMAN := .venv-barman/.ready

.PHONY: help setup demo test lint types layers fmt check bench image interop backup cluster
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -nE 's/^([a-z]+):.*  ## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(READY)  ## make .venv with everything pinned, and .venv/bin/presync

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("presync needs Python 3.11 or later, $(PYTHON) is %d.%d: make setup PYTHON=..." % v[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## see the gate at work on an embedded PostgreSQL
	$(BIN)/presync demo

test: $(READY)  ## run the tests, on an installed or the embedded PostgreSQL
	$(BIN)/python -m pytest -n 4 --dist worksteal

lint: $(READY)  ## check style, with ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)  ## check types, with mypy --strict
	$(BIN)/mypy

layers: $(READY)  ## check who imports whom, with import-linter
	$(BIN)/lint-imports --no-logo

fmt: $(READY)  ## format and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

check: lint types layers test  ## all of the above that a change must pass

bench: $(READY)  ## measure a run with nothing to do, see docs/benchmarks.md
	$(BIN)/python bench/noop.py

image: $(READY)  ## build the image, lint it, and run it as its pod would
	.ci/image

cluster: $(READY)  ## run the manifests on a Kubernetes node, built from source
	.ci/cluster

interop: $(READY)  ## test against real Flyway, pgbouncer, PostgreSQL 13 to 18; needs Java, Maven, npm
	.ci/interop $(PART)

backup: $(READY) $(BARMAN)  ## judge the backups of real tools; needs pgBackRest, rsync, libfaketime, a PostgreSQL server
	PRESYNC_TEST_PGBACKREST=$$(.ci/newer-pgbackrest) $(BIN)/python -m pytest tests/backup -n 3 --dist loadfile

$(BARMAN): requirements/barman.txt
	$(PYTHON) -m venv .venv-barman
	.venv-barman/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/barman.txt
	@touch $@
