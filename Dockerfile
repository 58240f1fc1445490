# The image of the action. `--build-arg LOCK=requirements-all.lock` makes one with all providers;
# a release pins PYTHON_IMAGE to the digest that the tag has at that moment.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS packages
ARG LOCK=requirements-image.lock
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements-build.lock ${LOCK} ./
RUN pip install --require-hashes --only-binary :all: --no-compile --prefix /packages -r "${LOCK}" \
    && pip install --require-hashes -r requirements-build.lock
COPY LICENSE README.md pyproject.toml ./
COPY vectornator vectornator
RUN pip install --no-deps --no-build-isolation --no-compile --prefix /packages .
# Unchecked: what copies or re-dates these files must not make Python compile them once more.
# Left out: what is large and never imported here.
# hadolint ignore=DL3059
RUN python -m compileall -q -s /packages -p /usr/local --invalidation-mode unchecked-hash \
    -x '/(pycparser|pydantic/v1|pygments/lexers|openai/(resources/(?!vector_stores)|types/(admin|beta|live|realtime))\w*)/' \
    /packages

FROM ${PYTHON_IMAGE} AS action
# The base has no bytecode of the standard library: without it each run compiles what it imports.
RUN python -m compileall -q --invalidation-mode unchecked-hash \
    -x '/(_pyrepl|ensurepip|idlelib|pydoc_data|site-packages|test|tkinter|turtledemo|unittest)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=packages /packages /usr/local
COPY entrypoint.py /opt/vectornator/
ENV PYTHONDONTWRITEBYTECODE=1
# Isolated: neither the workspace nor the home that steps share can put modules in our way.
ENTRYPOINT ["/usr/local/bin/python", "-IB", "/opt/vectornator/entrypoint.py"]
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="vectornator" \
      org.opencontainers.image.description="Keeps a repository's documents in a vector store, with the state in git notes" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
