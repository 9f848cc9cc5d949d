# Every target sets up .venv by itself, with what it needs, and refreshes it when the requirements change.

.DEFAULT_GOAL := help
.PHONY: help setup run plan submit status logs cancel retry probe results report sync dashboard lecture play playground check test pytest test-newest test-verdicts test-scale lint style types format docs bench slurm-up slurm-down clean

PYTHON ?= python3
CONFIG ?= configs/fixed_vs_learned_basis.yaml
CLUSTER ?= local
RUN ?=
ARGS ?=
DEBIAN ?= testing
VENV := .venv
READY := $(VENV)/.ready
READY_TO_TEST := $(VENV)/.ready-to-test
IN := $(VENV)/bin
PIP := $(IN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

help: ## Show what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nCONFIG=%s\n' '$(CONFIG)'

# A .venv without pip was begun and not finished, as on a Debian without python3-venv.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "this needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). hint: make PYTHON=python3.12 ..."; exit 1; }
	@$(IN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "setting up $(VENV), which takes some minutes: 1.6 GB of downloads and 5.6 GB of disk with PyTorch for CUDA, as"; \
		echo "Linux has it from PyPI, 0.4 and 1.8 GB with that for CPUs (pytorch.org/get-started says how pip finds it)"; \
		$(PYTHON) -m venv --clear $(VENV); }
	@$(PIP) --editable .
	@touch $@

$(READY_TO_TEST): $(READY) tests/report/scripts/package-lock.json
	@echo "adding to $(VENV) what tests and documentation need: 0.4 GB of disk, and 0.7 GB of Triton if PyTorch has none"
	@$(PIP) --editable '.[dev,docs]'
	@$(IN)/npm ci --prefix tests/report/scripts --silent --no-audit --no-fund
	@touch $@

setup: $(READY_TO_TEST) ## Set up .venv, with what the tests need

run: $(READY) ## Train an experiment here, print its summary, write its report (CONFIG=configs/...)
	@$(IN)/python -m pipeline run $(CONFIG)

plan: $(READY) ## Show what an experiment would train (CONFIG=configs/...)
	@$(IN)/python -m pipeline plan $(CONFIG)

submit: $(READY) ## Send an experiment to a cluster (CONFIG=configs/... CLUSTER=soc ARGS="--chain 2")
	@$(IN)/python -m pipeline submit $(CONFIG) --cluster $(CLUSTER) $(ARGS)

status: $(READY) ## Show how the newest run stands (RUN=runs/... for another)
	@$(IN)/python -m pipeline status $(RUN) $(ARGS)

logs: $(READY) ## Show what went wrong, newest first (ARGS=4711_3 for a job or a trial)
	@$(IN)/python -m pipeline logs $(RUN) $(ARGS)

cancel: $(READY) ## End the jobs of the newest run (ARGS=4711_3 for one of them)
	@$(IN)/python -m pipeline cancel $(RUN) $(ARGS)

retry: $(READY) ## Send again what failed or was lost
	@$(IN)/python -m pipeline retry $(RUN) $(ARGS)

probe: $(READY) ## Compare the profile of a cluster with the cluster (CLUSTER=soc)
	@$(IN)/python -m pipeline probe --cluster $(CLUSTER) $(ARGS)

results: $(READY) ## Print one row per trial of the newest run
	@$(IN)/python -m pipeline results $(RUN)

report: $(READY) ## Write the report of the newest run again
	@$(IN)/python -m pipeline report $(RUN)

sync: $(READY) ## Bring what is finished of the newest run to W&B, verified (RUN=runs/... ARGS="--watch")
	@$(IN)/python -m pipeline sync $(RUN) $(ARGS)

dashboard: $(READY) ## Create or update the workspace and the report of the newest run on W&B (RUN=runs/...)
	@$(IN)/python -m pipeline dashboard $(RUN) $(ARGS)

lecture: $(READY) ## Run every experiment of the lecture here, and write the walk through it: runs/lecture.html
	@$(IN)/python -m pipeline run configs/xor.yaml configs/lecture
	@$(IN)/python -m pipeline lecture

play: $(READY) ## Play the lecture's number game at this terminal
	@$(IN)/python -m pipeline play $(ARGS)

playground: $(READY) ## Train a tiny model in a page, step by step, beside its theory (RUN=runs/... ARGS=--open)
	@$(IN)/python -m pipeline playground $(RUN) $(ARGS)

check: lint ## Check style, types, and for half a minute the tests nearest to what changed since the last commit (SECONDS=300)
	@PYTHONDONTWRITEBYTECODE= $(IN)/python tests/imports/changed_tests.py $(or $(SECONDS),30) -q --workers 2

# Types are checked beside the tests, which take longer.
test: style ## Run every check
	@$(MAKE) --no-print-directory --jobs 2 types pytest

# Two workers for each processor: one of them mostly waits, for a scheduler or a server. What Python compiles of the
# tests is kept for the next time, also where the environment says that nothing is to be kept.
pytest: $(READY_TO_TEST) ## Run the tests without the checks of style and types
	@PYTHONDONTWRITEBYTECODE= $(IN)/python -m pytest -q --workers 4

test-newest: ## Run the tests of clusters on a newer Debian's SLURM and Python, in a tree of its own (DEBIAN=trixie)
	@slurm/dev/newest $(DEBIAN) $(or $(ARGS),-m cluster)

test-verdicts: $(READY_TO_TEST) ## Hold what is said of many experiments drawn at random against NumPy (DRAWN_TRIALS=50000)
	@DRAWN_TRIALS=$(or $(DRAWN_TRIALS),50000) $(IN)/python -m pytest -q -s -n 0 tests/test_report.py

test-scale: $(READY_TO_TEST) ## Send a million trials to a pretend SLURM of 50 GPUs in virtual time (VIRTUAL_SEEDS=5)
	@VIRTUAL_TRIALS=$(or $(VIRTUAL_TRIALS),1000000) VIRTUAL_SEEDS=$(or $(VIRTUAL_SEEDS),1) $(IN)/python -m pytest -q -s -n 0 tests/test_launch.py

lint: style types ## Check style and types

style: $(READY_TO_TEST) ## Check style
	@$(IN)/ruff check .
	@$(IN)/ruff format --check .

types: $(READY_TO_TEST) ## Check types, those of the pages' scripts too
	@$(IN)/node tests/report/scripts/node_modules/typescript/bin/tsc --project tests/report/scripts
	@$(IN)/mypy

format: $(READY_TO_TEST) ## Put the code into the common format
	@$(IN)/ruff check --fix .
	@$(IN)/ruff format .

# Links to other sites are asked for where one of them answers.
docs: $(READY_TO_TEST) ## Build the documentation, warnings as errors, its examples run and its links followed
	@$(IN)/python -m sphinx -W --keep-going -q docs docs/_build/html
	@$(IN)/python -m sphinx -W --keep-going -q -b doctest docs docs/_build/doctest
	@$(IN)/python docs/external_links.py
	@echo "docs/_build/html/index.html"

bench: $(READY) ## Measure the speed of packs beside their peers (installs JAX)
	@$(PIP) --editable '.[bench]'
	@$(IN)/python -m pipeline bench

slurm-up: ## Start a real SLURM of two nodes on this machine (Debian packages)
	@slurm/dev/up

slurm-down: ## Stop it, and its jobs
	@slurm/dev/down

clean: ## Remove .venv and caches; runs stay
	@rm -rf $(VENV) tests/report/scripts/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis
