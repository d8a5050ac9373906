# Two commands do all the set-up: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: fresh torture fuzz audit scale demo docs test lint types pytest format bench bench-dirty bench-extract bench-dedup bench-script bench-crawl clean

demo: $(VENV)/.installed
	$(BIN)/yuqi demo demo-out

test: lint types pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

pytest: $(VENV)/.dev
	YUQI_PURE=1 $(BIN)/python -m pytest -q -rN tests/cleaning  # as where there is no compiler
	$(BIN)/python -m pytest -q tests/corpus/web  # a process of their own: servers and a browser
	$(BIN)/python -m pytest -q --ignore tests/corpus/web --ignore tests/fresh

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.bench .venv-peers/.installed
	$(BIN)/python -m benchmarks.peers

# OpenCC in C++ and opencc-python-reimplemented install modules of one name: the peers' chain has an environment of its own.
.venv-peers/.installed:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip --disable-pip-version-check -q install chardet trafilatura lxml_html_clean ftfy opencc rensa sqlite-utils
	@touch $@

N ?= 10000
scale: $(VENV)/.dev
	$(BIN)/python -m benchmarks.scale $(N)

bench-%: $(VENV)/.bench
	$(BIN)/python -m benchmarks.$*

# What is committed, with nothing but Python and make: the README to the letter; the oldest libraries that are allowed.
fresh: $(VENV)/.dev
	$(BIN)/python -m pytest -q tests/fresh

# Kills, full disks, torn files, two writers, clock steps: minutes. SEED=N for other instants.
torture: $(VENV)/.dev
	$(BIN)/python -m benchmarks.torture $(if $(SEED),--seed $(SEED))

# Hostile input into every reader for SECONDS of processor time, counted over runs; then growth.
fuzz: $(VENV)/.dev
	$(BIN)/python -W ignore -m benchmarks.fuzz --seconds $(or $(SECONDS),300)
	$(BIN)/python -W ignore -m benchmarks.fuzz --linear

# Known holes in the pinned dependencies; says so where their list can't be reached.
audit: $(VENV)/audit/bin/pip-audit
	$(BIN)/python -m benchmarks.audit $<

# An environment of its own, so that what the auditor needs doesn't change what is audited.
$(VENV)/audit/bin/pip-audit: $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip --disable-pip-version-check -q install 'pip-audit>=2.9'

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "yuqi needs Python 3.11 or newer; none was found on PATH"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt $(wildcard cleaning/native/*.pyx cleaning/native/*.pxd)
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(PIP) install -c constraints.txt 'yuqi[dev]'  # it is there: what is missing are the extra's libraries
	@touch $@

$(VENV)/.bench: $(VENV)/.dev
	$(PIP) install 'yuqi[bench]'
	@touch $@

docs: $(VENV)/.dev
	$(BIN)/python docs/reference.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) .venv-peers demo-out build *.egg-info cleaning/native/*.c cleaning/native/*.so
