"""`python -m examples.gateway`: the gateway on uvicorn, beside a running `make run` or as configured."""

import sys

import uvicorn

from examples.gateway.app import create_app
from examples.gateway.opening import opened
from examples.gateway.settings import SettingsError, in_the_clear, load_settings

CONNECTIONS_MAX = 10_000
"""Connections open at once, idle ones too: ten for each request that may be in hand (`bounded`).
More get 503 from uvicorn itself, in plain text."""

STOP_MAX_S = 10
"""Longest wait for requests in hand at a stop: a little more than the longest wait for an answer."""


def main() -> None:
    """Serve until a signal comes."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(f"gateway: {error}")
    for each in in_the_clear(settings):
        sys.stderr.write(f"gateway: warning: in the clear: {each}\n")
    uvicorn.run(
        create_app(lambda: opened(settings)),
        host=settings.host,
        port=settings.port,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=STOP_MAX_S,
    )


if __name__ == "__main__":
    main()
