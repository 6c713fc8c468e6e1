# Everything that this repository can be asked to do. A machine needs python3 (3.11 or later, with
# venv) and make; the rest goes into .venv, pinned by version and hash in requirements/.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh

# Given on make's command line; the environment's HOST and DATABASE_URL often belong to others.
HOST = 127.0.0.1
PORT = 8000
DATABASE_URL = sqlite:///webhooks.db
PROVIDER = github
EVENT = push
ARGS =

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
# Only finished files with a known hash: nothing is built, so no code runs while installing.
INSTALL := $(PIP) install --require-hashes --no-deps --only-binary=:all:
INSTALL_PACKAGE := $(PIP) install --no-deps --no-build-isolation --editable .
LOCK := .cache/lock/bin/uv pip compile --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet $(UPGRADE)

# A signed request can be tried at once: a secret of this checkout, unless the variable is set.
DEVELOPMENT = GITHUB_WEBHOOK_SECRET="$${GITHUB_WEBHOOK_SECRET:-$$(cat .webhooks-dev-secret)}"

.PHONY: help
help: ## Say what can be made
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: serve
serve: .venv/server .webhooks-dev-secret ## Set up, then serve at 127.0.0.1:8000 (HOST= PORT= DATABASE_URL= ARGS=)
	@echo "For development: deliveries may reach 127.0.0.0/8, and GitHub's secret is in .webhooks-dev-secret."
	@$(DEVELOPMENT) \
	WEBHOOKS_ALLOWED_NETWORKS="$${WEBHOOKS_ALLOWED_NETWORKS:-127.0.0.0/8}" \
	exec $(BIN)/webhooks serve --host "$(HOST)" --port "$(PORT)" --database-url "$(DATABASE_URL)" $(ARGS)

.PHONY: trigger
trigger: .venv/server .webhooks-dev-secret ## Send that server a signed sample (PROVIDER=github EVENT=push)
	@$(DEVELOPMENT) exec $(BIN)/webhooks trigger "$(PROVIDER)" "$(EVENT)" \
	--to "http://$(HOST):$(PORT)" $(ARGS)

.PHONY: test
test: .venv/dev ## Set up, then run the tests (ARGS="-k name"); services that are not there are named
	@scripts/fetch_payload_examples.sh || test "$$CI" != true
	$(BIN)/python -m pytest -q --durations=5 $(ARGS)

.PHONY: check format-check lint types imports docs figures
check: format-check lint types imports docs figures ## Check form, types, floors, docs and figures (no tests)
format-check: .venv/dev
	$(BIN)/ruff format --check --quiet
lint: .venv/dev
	$(BIN)/ruff check --quiet
types: .venv/dev
	$(BIN)/mypy
imports: .venv/dev
	@$(BIN)/lint-imports --no-logo --no-cache
docs: .venv/dev
	$(BIN)/python scripts/generate_reference.py --check
	$(BIN)/python scripts/check_links.py
figures: .venv/dev
	$(BIN)/python scripts/figures.py

.PHONY: format
format: .venv/dev ## Format the code, mend what can be mended, write docs/reference anew
	$(BIN)/ruff format --quiet
	$(BIN)/ruff check --quiet --fix || true
	$(BIN)/python scripts/generate_reference.py

.PHONY: bench
bench: .venv/dev ## Measure: ratios in one run, each against a limit beside it (NAME=kill_nine ARGS=…)
	@set -e; for name in $(or $(NAME),$(filter-out __%,$(basename $(notdir $(wildcard benchmarks/*.py))))); do \
		echo "== $$name"; $(BIN)/python benchmarks/$$name.py $(ARGS); done

.PHONY: lock
lock: .cache/lock/bin/uv ## Write requirements/*.txt anew (UPGRADE=--upgrade for newer versions)
	$(LOCK) pyproject.toml --extra server --extra postgres --extra redis --extra rabbitmq --extra otel --extra flask --extra django --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra server --extra postgres --group build -c requirements/dev.txt -o requirements/server.txt
	$(LOCK) --group lock -o requirements/lock.txt

.PHONY: clean
clean: ## Remove what was installed and built; webhooks.db and the development secret stay
	rm -rf .venv .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# Each file below says that its step was done; pyproject.toml and the lock files say when to do it again.

.venv/python: scripts/make_venv.sh
	@scripts/make_venv.sh .venv
	@touch $@

.venv/server: .venv/python requirements/server.txt pyproject.toml
	@echo "Installing what the server needs into .venv …"
	@$(INSTALL) -r requirements/server.txt
	@$(INSTALL_PACKAGE)
	@touch $@

.venv/dev: .venv/python requirements/dev.txt pyproject.toml
	@echo "Installing what the tests need into .venv …"
	@$(INSTALL) -r requirements/dev.txt
	@$(INSTALL_PACKAGE)
	@touch $@ .venv/server

.cache/lock/bin/uv: requirements/lock.txt scripts/make_venv.sh
	@scripts/make_venv.sh .cache/lock
	@.cache/lock/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/lock.txt
	@touch $@

.webhooks-dev-secret:
	@umask 077 && $(BIN)/python -c "import secrets; print(secrets.token_urlsafe(32))" > $@
