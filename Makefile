# `make` alone lists the targets.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
LOCK := requirements/dev.txt
SCENARIOS :=
SCALE := 1
STAMP := $(VENV)/.made-from-$(shell sha256sum $(LOCK) | cut -c1-12)
BUILD := requirements/build.txt
COMMAND := $(VENV)/.command-from-$(shell cat pyproject.toml $(BUILD) | sha256sum | cut -c1-12)

.DEFAULT_GOAL := help
.PHONY: help env demo up test check bench faults proof clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(COMMAND) ## make the environment (.venv) from the hashed lock

$(STAMP): $(LOCK)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; found $$(python3 --version)." >&2; exit 1; }
	python3 -m venv --clear $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@touch $@

# The command `broker` itself: $(VENV)/bin/broker runs this checkout from anywhere.
$(COMMAND): $(STAMP)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(BUILD)
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: env ## run everything with sample agencies, and check the sums
	@$(PY) -m broker demo

up: env ## run everything here until Ctrl-C
	@$(PY) -m broker up

test: env ## run every test on real engines, in two processes
	$(PY) -m pytest -n 2 --dist loadgroup

check: env ## format, lint, types and who may import what
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

bench: env ## measure speed beside rivals; SCENARIOS=route,single SCALE=0.1
	@$(PY) -m benchmarks --scenarios "$(SCENARIOS)" --scale $(SCALE)

faults: env ## strike real processes: make faults SECONDS=600 SEED=7
	@$(PY) -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

proof: env ## what takes long: copies that are wrong on purpose, a paused worker, a million deliveries
	$(PY) -m pytest -m proof

clean: ## remove the environment and what tools leave behind
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
