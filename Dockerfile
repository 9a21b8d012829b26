# The worker as an image: docker build -t accounts .

FROM python:3.13-slim AS build

WORKDIR /src
RUN python -m venv /opt/accounts
ENV PATH="/opt/accounts/bin:$PATH" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

# First what changes rarely, so that a change in the code downloads nothing. Compiled here, because
# the worker may not write next to the code.
COPY requirements/install.py requirements/worker.txt requirements/
RUN python requirements/install.py requirements/worker.txt --compile

COPY pyproject.toml hatch_build.py LICENSE ./
COPY contracts contracts
COPY handlers handlers
COPY storage storage
COPY workers workers
COPY client client
COPY devstack devstack
COPY cli cli
COPY contract_docs contract_docs
RUN pip install --no-deps --no-build-isolation --compile . && pip check


FROM python:3.13-slim

RUN groupadd --gid 10001 accounts \
    && useradd --system --uid 10001 --gid accounts --no-create-home accounts \
    && install --directory --owner=accounts --group=accounts --mode=0700 /var/lib/accounts/keys
COPY --from=build /opt/accounts /opt/accounts

ENV PATH="/opt/accounts/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ACCOUNTS_KEYS_DIR=/var/lib/accounts/keys \
    ACCOUNTS_LOG_FORMAT=json \
    ACCOUNTS_SIDECAR_HOST=0.0.0.0 \
    ACCOUNTS_SIDECAR_PORT=8080

USER accounts
WORKDIR /var/lib/accounts
EXPOSE 8080

# Liveness, not readiness: a worker that waits for MongoDB must not be replaced for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, ssl, urllib.request as http; tls = os.environ.get('ACCOUNTS_SIDECAR_TLS_CERTFILE'); http.urlopen('http' + 's' * bool(tls) + '://127.0.0.1:' + os.environ['ACCOUNTS_SIDECAR_PORT'] + '/health/live', timeout=3, context=ssl._create_unverified_context() if tls else None)"]

ENTRYPOINT ["accounts"]
CMD ["worker"]
