# Two commands do everything on a machine with Python 3.11, pip and make:
#   make demo   builds a dataset from the sample film
#   make test   runs the tests

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKSPACE ?= demo

.PHONY: help demo test check slow perf clean

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 13) else "storyreasoning needs Python 3.11 or 3.12: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed ## build the sample film into demo/ and say where everything is
	$(BIN)/storyreasoning build --workspace $(WORKSPACE)

test: $(VENV)/.developer ## run the tests
	$(BIN)/python -m pytest -m 'not slow' -n 2 --dist loadgroup

check: $(VENV)/.developer ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

slow: $(VENV)/.developer ## the tests that 'make test' leaves out
	$(BIN)/python -m pytest -m slow

perf: $(VENV)/.developer ## benchmarks, as ratios within one run
	$(BIN)/python -m tests.perf

clean: ## remove what was made
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
