"""`python -m examples.gateway`: the gateway on uvicorn, beside a running `make run` or as configured."""

import sys

import uvicorn

from examples.gateway.app import create_app
from examples.gateway.opening import opened
from examples.gateway.settings import SettingsError, load_settings


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
    )


if __name__ == "__main__":
    main()
