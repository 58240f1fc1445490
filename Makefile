# Everything a change must pass. `make check test` is what CI runs.
.PHONY: check test image contract faces format lock bench schemas examples torture fuzz clean

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
IMAGE ?= vectornator:local

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
	$(BIN)/actionlint -shellcheck $(BIN)/shellcheck .github/workflows/*.yml examples/github/*.yml
	$(BIN)/zizmor --offline --quiet --config .github/zizmor.yml .github action.yml examples/github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml examples/github/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci gitlab/*.yml examples/gitlab/*.yml
	sed '1,/^---$$/d' templates/sync.yml | $(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --default-filetype yaml -
	$(BIN)/hadolint Dockerfile
	$(BIN)/shellcheck .ci/run

test: $(VENV)/.ready
	$(BIN)/pytest -n auto

# IMAGE_OPTIONS are for `docker build`, such as another base.
image:
	DOCKER_BUILDKIT=1 docker build --tag $(IMAGE) $(IMAGE_OPTIONS) .

contract: $(VENV)/.ready
	VECTORNATOR_IMAGE=$(IMAGE) $(BIN)/pytest tests/image

faces: $(VENV)/.ready
	$(BIN)/python -m faces

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-annotate --no-header --no-emit-index-url

lock:
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra local -o requirements-local.lock
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements-dev.lock
	$(COMPILE) pyproject.toml --extra gitlab -o requirements-image.lock
	$(COMPILE) pyproject.toml --all-extras -o requirements-all.lock
	$(COMPILE) --group build -o requirements-build.lock
	$(COMPILE) pyproject.toml --group fuzz -o requirements-fuzz.lock

bench: $(VENV)/.ready
	$(BIN)/python -m benchmarks

schemas: $(VENV)/.ready
	$(BIN)/vectornator schema settings > docs/settings.schema.json
	$(BIN)/vectornator schema report > docs/report.schema.json

examples: $(VENV)/.ready
	$(BIN)/python -m benchmarks.summary > docs/summary.md

# Takes hours; `python -m tests.torture NAME --size N` takes what you give it.
torture: $(VENV)/.ready
	$(BIN)/python -m tests.torture --long --write RELIABILITY.md

# The fuzzer has an environment of its own: it is built for Linux and few versions of Python.
$(VENV)-fuzz/.ready: requirements-fuzz.lock
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	touch $@

# FUZZ_OPTIONS are libFuzzer's; what reached new code is kept in build/fuzz.
FUZZ_OPTIONS ?= -max_total_time=600
fuzz: $(VENV)-fuzz/.ready
	mkdir -p build/fuzz
	$(VENV)-fuzz/bin/python -m tests.fuzz build/fuzz -timeout=5 -rss_limit_mb=1024 -artifact_prefix=build/ $(FUZZ_OPTIONS)

clean:
	rm -rf $(VENV) $(VENV)-fuzz .mypy_cache .ruff_cache build dist
