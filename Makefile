# `make` alone lists the targets.
# Containers often set it: each of the many processes of a run would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
VENV := .venv
PY := $(VENV)/bin/python
# What is installed is compiled when it is first imported: most modules never are.
PIP := $(PY) -m pip install --disable-pip-version-check --no-compile
LOCK := requirements/dev.txt
SCENARIOS :=
SCALE := 1
COUNT :=
PACKAGES = $(shell grep -c '^[a-z0-9]' $(LOCK))
STAMP := $(VENV)/.made-from-$(shell sha256sum $(LOCK) | cut -c1-12)
BUILD := requirements/build.txt
DOCS := requirements/docs.txt
SITE := $(VENV)/.docs-from-$(shell sha256sum $(DOCS) | cut -c1-12)
LINTERS := tests/lint_api
COMMAND := $(VENV)/.command-from-$(shell cat pyproject.toml sdk/pyproject.toml $(BUILD) | sha256sum | cut -c1-12)

PINNED := uv pip compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
  --no-emit-find-links --python-version 3.11.0 \
  --no-emit-package referral-broker --no-emit-package referral-broker-client

# Turns what pip prints into a line for every twenty packages.
COUNTED := while read -r word _; do \
	  case $$word in \
	    Collecting|Processing) n=$$((n + 1)); [ $$((n % 20)) != 0 ] || echo "  $$n of $(PACKAGES) packages fetched" ;; \
	    Installing) echo "  installing $(PACKAGES) packages" ;; \
	  esac; \
	done

.DEFAULT_GOAL := help
.PHONY: help env demo up test quick check types lint docs docs-env bench faults floods restore-drill soak upgrade-drill release proof image mutants lock lint-api clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

env: $(COMMAND) ## make the environment (.venv) from the hashed lock

$(STAMP): $(LOCK)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; found $$(python3 --version)." >&2; exit 1; }
	@echo "Making the environment in $(VENV); this takes about a minute."
	@python3 -m venv --clear $(VENV)
	@$(PIP) --progress-bar off --require-hashes -r $(LOCK) | $(COUNTED)
	@touch $@

# The client and the command `broker`: $(VENV)/bin/broker runs this checkout from anywhere, the devstack included.
$(COMMAND): $(STAMP)
	@echo "Installing the command \`broker\`"
	@$(PIP) --quiet --require-hashes -r $(BUILD)
	@$(PIP) --quiet --no-deps --no-build-isolation -e sdk -e .
	@touch $@

demo: env ## run everything with sample agencies, and check the sums; COUNT=40 for a short one
	@$(PY) -m broker demo $(if $(COUNT),--count $(COUNT))

up: env ## run everything here until Ctrl-C
	@$(PY) -m broker up

test: env ## run every test on real engines: three processes keep two cores busy, since some wait
	$(PY) -m pytest -n 3 --dist loadgroup

quick: check ## what to run after each change: the checks and most unit tests, in a minute
	$(PY) -m pytest -n 2 --hypothesis-profile quick -m 'not proof and not thorough' tests/unit

check: env ## format, lint, types, who may import what, what nobody uses, and migrations
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types lint

types:
	$(PY) -m mypy

lint:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(VENV)/bin/lint-imports
	$(PY) -m tests.dead_code
	$(PY) -m tests.lint_migrations

$(SITE): $(DOCS) $(COMMAND)
	$(PIP) --quiet --require-hashes -r $(DOCS)
	@touch $@

docs-env: $(SITE)

docs: $(SITE) ## build the documentation site into docs/_build/html; a warning or dead link fails
	$(PY) -m sphinx --fail-on-warning --keep-going --quiet --jobs 2 -d docs/_build/trees docs docs/_build/html
	$(PY) -m docs.generators.check docs/_build/html
	@echo "Open docs/_build/html/index.html"

bench: env ## measure speed beside rivals; SCENARIOS=route,single SCALE=0.1
	@$(PY) -m benchmarks --scenarios "$(SCENARIOS)" --scale $(SCALE)

faults: env ## strike real processes: make faults SECONDS=600 SEED=7
	@$(PY) -m tests.faults $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

floods: env ## measure what others feel of one caller's flood: make floods SECONDS=30
	@$(PY) -m tests.floods $(if $(SECONDS),--seconds $(SECONDS))

restore-drill: env ## back up, lose the ledger, restore to a point, reconcile, check: SECONDS=10 SEED=7
	@$(PY) -m tests.faults.restore_drill $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

soak: env ## work for long and watch memory, files, bloat and WAL: make soak MINUTES=600
	@$(PY) -m tests.faults.soak $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SNAPSHOT),--snapshot)

upgrade-drill: env ## upgrade beside traffic on 300,000 deliveries, old and new mixed, and go back
	@$(PY) -m tests.faults.upgrade $(if $(OLD),--old $(OLD)) $(if $(DELIVERIES),--deliveries $(DELIVERIES))

release: env ## declare this version released: its changes get a date, its migrations stay as they are
	@$(PY) -m tests.release

proof: env ## what takes long: copies that are wrong on purpose, a paused worker, a million deliveries
	$(PY) -m pytest -m proof

image: env ## build the image on Debian's packages and run it; as root, needs buildah and mmdebstrap
	@deploy/image/build.sh $(PY) localhost/referral-broker
	@STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot $(PY) -m tests.image localhost/referral-broker

mutants: env ## small changes that a test must notice: make mutants OF=broker/flow PART=1/4
	@$(PY) -m tests.mutants $(OF) $(if $(PART),--part $(PART))

lock: ## write requirements/ anew from pyproject.toml; needs uv
	@command -v uv > /dev/null || { echo "Install uv first: pipx install uv" >&2; exit 1; }
	$(PINNED) --extra telemetry pyproject.toml -o requirements/runtime.txt
	$(PINNED) --extra telemetry --extra dev pyproject.toml devstack/pyproject.toml -o $(LOCK)
	$(PINNED) --constraint $(LOCK) --group docs -o $(DOCS)
	@# uv leaves out the marker of what only some versions of Python need.
	sed -i -E 's/^(async-timeout==[^ ]+) /\1 ; python_full_version < "3.11.3" /' $(LOCK) requirements/runtime.txt

$(LINTERS)/node_modules/.package-lock.json: $(LINTERS)/package-lock.json
	npm ci --prefix $(LINTERS) --silent

lint-api: env $(LINTERS)/node_modules/.package-lock.json ## lint the description of the API; needs Node.js with npm
	@mkdir -p build
	$(PY) -m tests.lint_api > build/openapi.json
	$(LINTERS)/node_modules/.bin/spectral lint --ruleset $(LINTERS)/spectral.yaml --fail-severity hint build/openapi.json
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true \
	  $(LINTERS)/node_modules/.bin/redocly lint --config $(LINTERS)/redocly.yaml build/openapi.json

clean: ## remove the environment and what tools leave behind
	rm -rf $(VENV) build docs/_build docs/field-guide.md .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  $(LINTERS)/node_modules
