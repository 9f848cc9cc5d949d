# Every target sets up .venv by itself and refreshes it when the requirements change.

.DEFAULT_GOAL := help
.PHONY: help setup run plan results report test lint format bench clean

PYTHON ?= python3
CONFIG ?= configs/fixed_vs_learned_basis.yaml
VENV := .venv
READY := $(VENV)/.ready
IN := $(VENV)/bin

help: ## Show what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nCONFIG=%s\n' '$(CONFIG)'

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "this needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). hint: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(IN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV) (a few minutes the first time)"
	@$(IN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

setup: $(READY) ## Set up .venv

run: $(READY) ## Train an experiment here, print its summary, write its report (CONFIG=configs/...)
	@$(IN)/python -m pipeline run $(CONFIG)

plan: $(READY) ## Show what an experiment would train (CONFIG=configs/...)
	@$(IN)/python -m pipeline plan $(CONFIG)

results: $(READY) ## Print one row per trial of the newest run
	@$(IN)/python -m pipeline results

report: $(READY) ## Write the report of the newest run again
	@$(IN)/python -m pipeline report

test: lint ## Run every check
	@$(IN)/python -m pytest -q -n 2 --dist loadfile

lint: $(READY) ## Check style and types
	@$(IN)/ruff check .
	@$(IN)/ruff format --check .
	@$(IN)/mypy

format: $(READY) ## Put the code into the common format
	@$(IN)/ruff check --fix .
	@$(IN)/ruff format .

bench: $(READY) ## Measure the speed of packs beside their peers (installs JAX)
	@$(IN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	@$(IN)/python -m pipeline bench

clean: ## Remove .venv and caches; runs stay
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
