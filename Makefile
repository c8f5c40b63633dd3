# Two commands are all a newcomer needs: `make demo` and `make test`. Each does its own set-up.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

# uv installs the hashed lock in seconds; plain pip reads the same file where uv cannot be had.
$(READY): requirements.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.lock \
		&& $(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements.lock \
		|| $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

setup: $(READY) ## create .venv from the hashed lock

demo: $(READY) ## run the real job on a generated centre: half an hour of ticks
	$(BIN)/omniassign demo

test: $(READY) ## run the whole test suite
	$(BIN)/python -m pytest

lint: $(READY) ## ruff, mypy strict and the layer rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

format: $(READY) ## format the code and sort the imports
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

bench: $(READY) bench-rules ## seconds per stage of a tick, with peak memory, and what the rules cost
	$(BIN)/python -m benchmarks.stages

bench-rules: $(READY) ## milliseconds of every rule in the build of a tick, with and without it
	$(BIN)/python -m benchmarks.rules

bench-engine: $(READY) ## the engine at every size, beside its peers, and its goals (an hour)
	$(BIN)/python -m benchmarks.engine

bench-gap: $(READY) ## published generalised assignment instances
	$(BIN)/python -m benchmarks.gap

bench-differential: $(READY) ## random problems against enumeration, backends against each other
	$(BIN)/python -m benchmarks.differential

bench-questions: $(READY) ## stated losses of forced pairs against solving again
	$(BIN)/python -m benchmarks.questions

bench-lab: $(READY) ## seconds of a simulated day that the product itself decides, on one core
	$(BIN)/python -m benchmarks.lab

validate: $(READY) ## published Erlang and simulation results beside ours (a few minutes)
	$(BIN)/python -m scenarios.lab.validate

bench-policies: $(READY) ## value of every router on every family, with bounds and waterfall (hours)
	$(BIN)/python -m benchmarks.policies

bench-prices: $(READY) ## seconds of prices and bounds, beside GLOP and SciPy, and of the price job
	$(BIN)/python -m benchmarks.prices
	$(BIN)/python -m benchmarks.price_job

bench-planning: $(READY) ## our staffing beside Erlang C, and prices of agent-hours beside simulation
	$(BIN)/python -m benchmarks.staffing
	$(BIN)/python -m benchmarks.agent_hour

lock: ## resolve the ranges of pyproject.toml into the hashed locks
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		--group dev pyproject.toml -c constraints.txt -o requirements.lock
	echo 'uv==0.13.9' | uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
		- -o requirements-uv.lock

clean: ## remove the environment and what runs left behind
	rm -rf $(VENV) var .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info

.PHONY: help setup demo test lint format bench bench-rules bench-engine bench-gap bench-differential bench-questions bench-lab validate bench-policies bench-prices bench-planning lock clean
