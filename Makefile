# How do I run, test and measure pointsman?
#
# Needs Python >= 3.11 and make; everything else goes into .venv. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# PYTHON=/path/to/python3.12 overrides the search for an interpreter; ARGS goes to the command run.
PYTHON ?=
ARGS ?=
JOBS ?= auto
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.13 python3.12 python3.11 python3 python)

PY := .venv/bin/python
PYTEST := $(PY) -m pytest -q
SOURCES := $(wildcard src tests bench deploy fuzz docs simulations examples)

# A virtual environment knows the directory it was made in; the stamps carry a checksum of it, so
# that a clone that was moved or copied installs again instead of failing strangely.
PLACE := $(shell pwd | cksum | cut -d' ' -f1)
MADE := .venv/.made-$(PLACE)
RUNTIME := .venv/.runtime-$(PLACE)
TOOLS := .venv/.tools-$(PLACE)
SIM := .venv/.sim-$(PLACE)
# Only these read tables and train models; the others need nothing more than the tests do.
SIM_NEEDS := $(if $(filter outcomes train_task_type,$(firstword $(ARGS))),$(SIM))

.PHONY: help install run dashboard check test cover docs bench sim prove dist sbom fuzz

help: ## list the targets
	@echo "make <target> [ARGS=\"...\"] [PYTHON=python3.12]"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(RUNTIME) ## create .venv with pointsman and what it needs to run

run: $(RUNTIME) dashboard ## serve on 127.0.0.1:8080, or as the file says; ARGS="fleet.yaml --port 9000"
	@exec .venv/bin/pointsman serve $(ARGS)

# Takes Node.js; without it this says so, and the gateway serves its API alone.
dashboard: $(MADE) ## build the dashboard from ui/, unless it is built
	@$(PY) ui/build.py

check: $(TOOLS) ## lint, format, types, layers, shape: seconds
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m mypy
	$(PY) -m mypy tests/conftest.py
	$(PY) -m mypy tests/adapters/providers/conftest.py
	.venv/bin/lint-imports
	$(PYTEST) tests/test_shape.py

test: check ## check, then the whole test suite
	@.ci/packages
	$(PYTEST) -n $(JOBS) --dist worksteal -m "not prove" $(ARGS)

cover: $(TOOLS) ## the suite under coverage: core 100 % of branches, everything 95 %
	@.ci/packages
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -q -n $(JOBS) --dist worksteal -m "not prove" $(ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report --include='src/pointsman/core/*' --fail-under=100
	$(PY) -m coverage report --fail-under=95

docs: $(TOOLS) ## write what is read from the code, build the site into build/site, run the code in the pages
	$(PY) docs/generate.py
	$(PY) docs/site/build.py
	$(PYTEST) tests/docs $(ARGS)

bench: $(TOOLS) ## measure against baselines, a minimal proxy and the peers: ratios in one run
	$(PY) -m bench.ratios --history bench/results/ratios.jsonl
	$(PY) -m bench.assignment
	$(PY) -m bench.run $(ARGS)

sim: $(TOOLS) $(SIM_NEEDS) ## simulations: does it choose well, and soon? lists them; ARGS="adaptivity --seeds 0-29"
	$(PY) -m simulations $(ARGS)

prove: $(TOOLS) $(SIM) ## the long proofs; POINTSMAN_DATA=folder for those on real outcomes
	@.ci/packages
	$(PYTEST) -m prove --timeout 1800 $(ARGS)

dist: $(TOOLS) ## wheel and sdist in dist/, the same bytes for the same commit
	@rm -rf dist
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 1577836800)} \
	    $(PY) -m hatchling build --target wheel --target sdist

sbom: dist ## dist/pointsman.cdx.json: all that an installed pointsman rests on (CycloneDX)
	$(PY) deploy/closure.py sbom dist/*.whl --out dist/pointsman.cdx.json

fuzz: $(TOOLS) ## feed parsers what nobody would send, with atheris; ARGS="events --seconds 600"
	@$(PY) -m pip install --quiet --group fuzz
	$(PY) -m fuzz $(ARGS)

# A venv without pip, or by a Python that is too old, would fail later with a worse message.
$(MADE):
	@found=; \
	for candidate in $(CANDIDATES); do \
	    if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	        >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "make: none of [$(CANDIDATES)] is Python >= 3.11 with the venv module." >&2; \
	    echo "make: install one (Debian, Ubuntu: apt install python3 python3-venv) or name it:" >&2; \
	    echo "make:     make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi; \
	echo "creating .venv with $$("$$found" --version)"; \
	"$$found" -m venv .venv
	@$(PY) -m pip install --quiet --upgrade 'pip>=25.1'
	@rm -f .venv/.made-* .venv/.runtime-* .venv/.tools-* .venv/.sim-*
	@touch $@

$(RUNTIME): pyproject.toml | $(MADE)
	@echo "installing pointsman into .venv, its dashboard too where Node.js is: a minute or two"
	@$(PY) -m pip install --quiet --editable .
	@touch $@

$(SIM): pyproject.toml $(TOOLS)
	@echo "installing what simulations on real outcomes need into .venv"
	@$(PY) -m pip install --quiet --group sim
	@touch $@

$(TOOLS): pyproject.toml $(RUNTIME)
	@echo "installing the test and check tools into .venv"
	@$(PY) -m pip install --quiet --group test --group check --group docs
	@# It requires SAP's driver, which is not free and never installed: a stand-in is in the tests.
	@$(PY) -m pip install --quiet --no-deps 'sqlalchemy-hana>=5,<6'
	@touch $@
