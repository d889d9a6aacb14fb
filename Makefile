# The one list of commands, for people and for continuous integration. `make help` shows it.

PYTHON ?= python3
# Where the tests shall run; "-n 0" for a debugger.
PYTEST_ARGS ?= -n auto

INSTALLED := .venv/.installed
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint format types wheel check lowest lock kills soak forty bench axe foreignsheets samples docs pictures clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r target what; do printf '%-20s %s\n' "$$target" "$$what"; done

# Refuses an interpreter that cannot work, with what to do about it.
define usable_python
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), bulkjob needs 3.11 or newer. Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
endef

# The virtual environment, made anew only when pyproject.toml has changed.
$(INSTALLED): pyproject.toml
	$(usable_python)
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

# $(call rehearse,<bulkjob>,<folder>): serves the sample workspace on a free port of this machine, runs the sample sheet against it in <folder>,
# and stops the server however that ends. Proxies are for other machines.
define rehearse
	@set -eu; samples="$(CURDIR)/samples"; said=$$(mktemp); mkdir -p "$(2)"; cd "$(2)"; \
	"$(1)" sandbox --port 0 --state "$$samples/workspace.json" --rate-limit 10/1 >"$$said" & sandbox=$$!; \
	trap 'kill $$sandbox 2>/dev/null || true; wait $$sandbox 2>/dev/null || true; rm -f "$$said"' EXIT; trap 'exit 130' INT TERM; \
	until address=$$(sed -n 's/^listening on //p' "$$said") && [ -n "$$address" ]; do \
		kill -0 $$sandbox || { echo "The sandbox did not start." >&2; exit 1; }; sleep 0.1; \
	done; \
	unset ROCKETCHAT_USER_ID_FILE ROCKETCHAT_AUTH_TOKEN_FILE; \
	export ROCKETCHAT_URL="$$address" ROCKETCHAT_USER_ID=u-admin ROCKETCHAT_AUTH_TOKEN=token-admin NO_PROXY=127.0.0.1 no_proxy=127.0.0.1; \
	"$(1)" run "$$samples/reorganisation.csv" --create-units
endef

run: $(INSTALLED) ## Rehearse the job: the sample sheet against a Rocket.Chat served on this machine
	$(call rehearse,$(CURDIR)/$(BIN)/bulkjob,$(CURDIR))
	@echo "The report lies in the directory named above: open its report.html."

test: $(INSTALLED) ## Run the tests
	@$(BIN)/python -m pytest -q $(PYTEST_ARGS)

lint: $(INSTALLED) ## Check style and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(INSTALLED) ## Format the code and mend what can be mended
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

types: $(INSTALLED) ## Check the types
	@$(BIN)/mypy

# No test sees what a wheel lacks while the source tree is at hand: this installs the wheel alone and works with it in another folder.
wheel: $(INSTALLED) ## Build the wheel and rehearse with it, away from the source tree
	@rm -rf build/wheel
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	@$(PYTHON) -m venv build/wheel/venv
	@build/wheel/venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check build/wheel/*.whl
	@cd build/wheel && venv/bin/bulkjob --version && venv/bin/python -Im bulkjob validate "$(CURDIR)/samples/reorganisation.csv"
	$(call rehearse,$(CURDIR)/build/wheel/venv/bin/bulkjob,$(CURDIR)/build/wheel/elsewhere)

check: ## Everything that has to hold before a change goes in
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory wheel

# What pyproject.toml promises with its lower bounds; needs the network.
lowest: ## Run the tests with the lowest versions of the dependencies
	$(usable_python)
	@$(PYTHON) -m venv --clear build/lowest
	@build/lowest/bin/python -m pip install --quiet --disable-pip-version-check uv
	@build/lowest/bin/uv pip install --quiet --python build/lowest/bin/python --resolution lowest-direct --editable '.[dev]'
	@build/lowest/bin/python -m pytest -q $(PYTEST_ARGS)

# What the image is made of, with the hash of every file that may be taken. Pins that still fit stay; make lock UPGRADE=--upgrade takes the newest.
# Needs the network; that the lock fits pyproject.toml is held by tests/cluster/test_lock.py, which does not.
UPGRADE ?=
COMPILE = build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)
lock: ## Choose and pin the versions that the image is made of
	$(usable_python)
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@$(COMPILE) --output-file requirements.lock pyproject.toml \
		$$($(PYTHON) -c 'import tomllib; print(*(f"--extra {one}" for one in tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"] if one != "dev"))')
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' >build/lock/requires.in
	@$(COMPILE) --output-file requirements-build.lock build/lock/requires.in

# How many moments, and which one to look at again: make kills KILLS=1000, or MOMENT=17.
KILLS ?= 200
SIGTERMS ?= 50
kills: $(INSTALLED) ## Kill real runs at 200 moments, end them at 50, and let the next run go on
	@KILLS=$(KILLS) SIGTERMS=$(SIGTERMS) MOMENT=$(MOMENT) $(BIN)/python -m pytest -q $(PYTEST_ARGS) tests/processes/test_kills.py

# How many simulated runs: make soak SEEDS=1000000. A seed that fails says how to replay it.
SEEDS ?= 100000
soak: $(INSTALLED) ## Simulate a hundred thousand runs with faults, kills and interruptions
	@$(BIN)/python -m tests.simulation.simulate --seeds 100001-$$((100000 + $(SEEDS)))

# How many: make forty WORKSPACES=100.
WORKSPACES ?= 40
forty: $(INSTALLED) ## Run an Indexed Job's forty pods against forty workspaces, some of which fail for a while
	@WORKSPACES=$(WORKSPACES) $(BIN)/python -m pytest -q -s -n 0 tests/cluster/test_workspaces.py

# Which measurements, and a share of their work for a quick look: make bench ONLY="writes calls" SCALE=0.1. Needs the network once, for peers.
ONLY ?=
SCALE ?= 1
bench: $(INSTALLED) ## Measure, and write benchmarks/README.md anew
	@$(BIN)/python -m benchmarks --scale $(SCALE) $(if $(ONLY),--only $(ONLY))

# The tests of the pages in a browser need Chromium and its driver (Debian, Ubuntu: apt-get install chromium chromium-driver); without them,
# or without this, they are skipped and say so. Needs npm.
axe: ## Put axe-core, which looks for what keeps people from using a page, where the tests find it
	@npm install --silent --no-audit --no-fund --prefix build axe-core

# Needs node and npm and, for a part of it, LibreOffice.
foreignsheets: $(INSTALLED) ## Make workbooks with other programs and compare all readers over them
	@$(BIN)/python tests/sheet/foreign/make.py build/foreign-sheets
	@$(BIN)/python tests/sheet/foreign/compare.py build/foreign-sheets

samples: $(INSTALLED) ## Make the workbooks of samples/ anew
	@$(BIN)/python samples/make.py

docs: $(INSTALLED) ## Write anew what the commands print in README.md and docs/, and the tables that the program knows
	@$(BIN)/python -m tests.docs.write

# Needs LibreOffice, poppler-utils and Chromium.
pictures: $(INSTALLED) ## Draw the two pictures of README.md anew
	@$(BIN)/python -m tests.docs.pictures

clean: ## Remove what make has made, but no run directory
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
