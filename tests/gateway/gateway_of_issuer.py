"""A gateway over the fake service that takes another issuer's tokens, and a caller of it."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from examples.gateway.app import create_app
from examples.gateway.gateway import Gateway
from examples.gateway.issuer import Issuer
from examples.gateway.issuer_keys import fetch_keys_of
from examples.gateway.issuer_tokens import IssuerTokens
from examples.gateway.key_set import KeySet
from examples.gateway.operations import create_operations
from tests.gateway.fake_accounts import FakeAccounts
from tests.gateway.gateway_in_memory import bearer
from tests.openid.provider import API, OpenIdProvider


@dataclass
class Clock:
    """The time, which can be put ahead."""

    ahead_s: float = 0

    def now(self) -> datetime:
        return datetime.now(tz=UTC) + timedelta(seconds=self.ahead_s)

    def monotonic_s(self) -> float:
        return self.ahead_s


@dataclass
class GatewayOfIssuer:
    """A caller, the gateway it calls, and the service behind."""

    client: TestClient
    fake: FakeAccounts
    operations: TestClient
    clock: Clock = field(default_factory=Clock)

    def call(self, method: str, path: str, token: str, body: Any = None) -> Response:
        return self.client.request(method, path, json=body, headers=bearer(token))

    def balance(self, token: str) -> Response:
        return self.call("GET", "/balance", token)

    def open(self, token: str) -> Response:
        return self.call("PUT", "/account", token)


@contextmanager
def gateway_of_issuer(provider: OpenIdProvider, **changed: str) -> Generator[GatewayOfIssuer]:
    """Run a gateway that takes tokens of *provider* for `API`, but for what is *changed*."""
    issuer = replace(Issuer(url=provider.issuer, audience=API), **changed)
    fake, clock = FakeAccounts(), Clock()
    keys = KeySet(partial(fetch_keys_of, issuer), clock.monotonic_s)
    tokens = IssuerTokens(issuer=issuer, keys=keys)
    gateway = Gateway(accounts=fake, tokens=tokens, now=clock.now)
    app = create_app(lambda: nullcontext(gateway), issuer=issuer)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield GatewayOfIssuer(client, fake, TestClient(create_operations(app)), clock)
