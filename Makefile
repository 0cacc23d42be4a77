# Every target sets up what it needs; an up-to-date set-up costs a tenth of a second.
SHELL := /usr/bin/env bash
TESSERA_HOME ?= $(CURDIR)/.tessera
export TESSERA_HOME
BIN := $(TESSERA_HOME)/venv/bin
# Processes that share the tests, file by file, each with a Spark session of its own.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest
TOGETHER := -n $(WORKERS) --dist loadfile
# Spark comes with the virtual environment; one that is installed elsewhere must not be mixed in.
unexport SPARK_HOME
export PYSPARK_PYTHON := $(BIN)/python
export PYSPARK_DRIVER_PYTHON := $(BIN)/python
LOCKED := requirements.lock
LOCK_OPTIONS := --extra all --strip-extras --allow-unsafe --no-header --annotation-style=line \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo cluster-up cluster-down test test-unit test-spark test-deep mutants lint audit format lock clean \
	clean-setup

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Virtual environment and JARs, once
	@launcher/python.sh prepare

demo: ## The whole story on the data at hand, from raw files to scores
	@./spark-submit.sh demo

cluster-up: ## Spark's master and two workers on loopback; says the --master to give
	@launcher/python.sh cluster-up

cluster-down: ## End them
	@launcher/python.sh cluster-down

test: setup ## All tests but the long campaigns; REQUIRE_ALL=1 makes skips failures
	@$(PYTEST) $(TOGETHER) -m "not deep" $(ARGS)

test-unit: setup ## Tests and doctests that need no JVM, in seconds
	@$(PYTEST) $(TOGETHER) -m "not deep" tests/unit featurestore models jobs launcher $(ARGS)

test-spark: setup ## Tests on a shared local Spark session
	@$(PYTEST) $(TOGETHER) -m "not deep" tests/spark $(ARGS)

test-deep: setup ## The long campaigns: kills, fuzzing, many examples
	@$(PYTEST) -m deep $(ARGS)

mutants: setup ## Break the engine in ten places; say which test notices each
	@$(BIN)/python -m tests.mutants

lint: setup ## Style, types, the direction of imports, no credential in any file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.secret_scan

audit: setup ## Are advisories known for the locked versions? "not audited" where nobody can be asked
	@$(BIN)/python -m tests.audit $(ARGS)

format: setup ## Rewrite files in the one style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup ## Write requirements.lock from setup.py, on Python 3.11; ARGS=--upgrade for newer versions
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "lock on Python 3.11: what it pins runs on 3.12 too")'
	@$(BIN)/pip-compile $(LOCK_OPTIONS) $(ARGS) --output-file $(LOCKED) setup.py
	@{ echo "# The exact versions of a working set-up, on Python 3.11 and 3.12 alike; written by \`make lock\` from setup.py."; \
		grep -v -e '^$$' -e '^#' $(LOCKED); } > $(LOCKED).new && mv $(LOCKED).new $(LOCKED)
	@rm -rf tessera.egg-info

clean: ## Remove caches and what Spark leaves behind
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info \
		spark-warehouse metastore_db derby.log
	@find . -name __pycache__ -not -path './.tessera/*' -prune -exec rm -rf {} +

clean-setup: ## Remove the virtual environment, the JARs and the wheel
	@rm -rf "$(TESSERA_HOME)"
