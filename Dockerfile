# The image of the action, and with `--target all` one with all providers. A release pins
# PYTHON_IMAGE to the digest that the tag has at that moment; LOCK names other packages.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm
# What is large and never imported here gets no bytecode.
ARG UNUSED='/(pycparser|pydantic/v1|pygments/lexers|openai/(resources/(?!vector_stores)|types/(admin|beta|live|realtime))\w*)/'

FROM ${PYTHON_IMAGE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

FROM builder AS own
COPY requirements-build.lock ./
RUN pip install --require-hashes -r requirements-build.lock
COPY LICENSE README.md pyproject.toml ./
COPY vectornator vectornator
# Unchecked: what copies or re-dates these files must not make Python compile them once more.
RUN pip install --no-deps --no-build-isolation --no-compile --prefix /packages . \
    && python -m compileall -q -s /packages -p /usr/local --invalidation-mode unchecked-hash /packages

FROM builder AS packages
ARG LOCK=requirements-image.lock
ARG UNUSED
COPY ${LOCK} ./
RUN pip install --require-hashes --only-binary :all: --no-compile --prefix /packages -r "${LOCK}" \
    && rm -rf /packages/lib/python3.*/site-packages/*.dist-info/sboms \
    && python -m compileall -q -s /packages -p /usr/local --invalidation-mode unchecked-hash \
        -x "${UNUSED}" /packages

FROM builder AS packages-all
ARG UNUSED
COPY requirements-all.lock ./
RUN pip install --require-hashes --only-binary :all: --no-compile --prefix /packages \
        -r requirements-all.lock \
    && rm -rf /packages/lib/python3.*/site-packages/*.dist-info/sboms \
    && python -m compileall -q -s /packages -p /usr/local --invalidation-mode unchecked-hash \
        -x "${UNUSED}" /packages

# The secret scanner's rules take four seconds to compile: once here, and not in each run.
FROM packages AS rules
RUN PYTHONPATH="$(echo /packages/lib/python3.*/site-packages)" python -c \
        'from kingfisher_sdk import Rules; assert Rules(cache_dir="/rules").cache_status == "stored"' \
    && chmod -R a+rX /rules

FROM ${PYTHON_IMAGE} AS runtime
# The base has no bytecode of the standard library: without it each run compiles what it imports.
RUN python -m compileall -q --invalidation-mode unchecked-hash \
    -x '/(_pyrepl|ensurepip|idlelib|pydoc_data|site-packages|test|tkinter|turtledemo|unittest)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
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

FROM runtime AS all
COPY --from=packages-all /packages /usr/local
COPY --from=rules /rules /usr/local/share/vectornator/rules
COPY --from=own /packages /usr/local

FROM runtime AS action
COPY --from=packages /packages /usr/local
COPY --from=rules /rules /usr/local/share/vectornator/rules
COPY --from=own /packages /usr/local
