"""`python -m examples.gateway`: the gateway on uvicorn, beside a running `make run` or as configured."""

import sys

import uvicorn

from examples.gateway.app import create_app
from examples.gateway.opening import opened
from examples.gateway.settings import SettingsError, load_settings

CONCURRENCY_MAX = 1_000
"""Requests in hand at once: each waits for Kafka and costs some kilobytes; more get 503 at once."""

STOP_MAX_S = 10
"""Longest wait for requests in hand at a stop: a little more than the longest wait for an answer."""


def main() -> None:
    """Serve until a signal comes."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"gateway: {error}")
    uvicorn.run(
        create_app(lambda: opened(settings)),
        host=settings.host,
        port=settings.port,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        limit_concurrency=CONCURRENCY_MAX,
        timeout_graceful_shutdown=STOP_MAX_S,
    )


if __name__ == "__main__":
    main()
