# Everything a change must pass. `make check test` is what CI runs.
.PHONY: check test format lock bench schemas examples clean

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

# A stamp newer than the locks means that the environment is what they say.
$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

check: $(VENV)/.ready
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate vectornator

test: $(VENV)/.ready
	$(BIN)/pytest -n auto

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --no-emit-index-url

lock:
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra local -o requirements-local.lock
	$(COMPILE) pyproject.toml --extra local --group dev -o requirements-dev.lock
	$(COMPILE) --group build -o requirements-build.lock

bench: $(VENV)/.ready
	$(BIN)/python -m benchmarks

schemas: $(VENV)/.ready
	$(BIN)/vectornator schema settings > docs/settings.schema.json
	$(BIN)/vectornator schema report > docs/report.schema.json

examples: $(VENV)/.ready
	$(BIN)/python -m benchmarks.summary > docs/summary.md

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache build dist
