"""A gateway over the fake service, and a caller of it."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from examples.gateway.app import create_app
from examples.gateway.gateway import Gateway
from examples.gateway.key_set import KeySet
from examples.gateway.new_accounts import NewAccounts
from examples.gateway.operations import create_operations
from examples.gateway.service_tokens import ServiceTokens
from examples.gateway.settings import REGISTRATIONS_PER_MINUTE_MAX
from tests.gateway.fake_accounts import FakeAccounts
from tests.published import NOON

SHOP = "https://shop.example"
"""Whose pages may call the gateway."""
PASSWORD = "correct horse battery staple"
ALICE = {
    "username": "alice",
    "email": "alice@example.com",
    "first_name": "Alice",
    "last_name": "Liddell",
    "password": PASSWORD,
}
DEPOSIT = {"amount": "10.50", "currency": "USD"}


@dataclass
class Sidecar:
    """What shows the keys; can be away."""

    fake: FakeAccounts
    away: bool = False
    asked: int = 0
    asked_what_to_seal_to: int = 0
    at_s: float = 0

    async def fetch(self) -> Mapping[str, Any]:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError
        return self.fake.keys.jwks()

    async def fetch_sealing_keys(self) -> Mapping[str, Any]:
        self.asked_what_to_seal_to += 1
        if self.away:
            raise ConnectionRefusedError
        return self.fake.keys.sealing_jwks()

    def monotonic_s(self) -> float:
        return self.at_s


@dataclass
class GatewayInMemory:
    """A caller, the gateway it calls, and the service behind."""

    client: TestClient
    fake: FakeAccounts
    sidecar: Sidecar
    operations: TestClient
    """What operators see, on a port of its own."""
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def register(self, **other: Any) -> Response:
        return self.client.post("/auth/register", json={**ALICE, **other})

    def login(self, password: str = PASSWORD, username: str = "alice") -> Response:
        body = {"username": username, "password": password}
        return self.client.post("/auth/login", json=body)

    def sign_in(self) -> dict[str, Any]:
        """Open alice's account, sign her in, and send her token from then on."""
        self.register()
        tokens = self.login().json()
        self.headers = bearer(tokens["access_token"])
        return tokens

    def get(self, path: str, **params: Any) -> Response:
        return self.client.get(path, params=params, headers=self.headers)

    def post(self, path: str, body: Any = None, key: str | None = None) -> Response:
        return self.client.post(path, json=body, headers=self._with(key))

    def patch(self, path: str, body: Any, key: str | None = None) -> Response:
        return self.client.patch(path, json=body, headers=self._with(key))

    def put(self, path: str, body: Any, key: str | None = None) -> Response:
        return self.client.put(path, json=body, headers=self._with(key))

    def _with(self, key: str | None) -> dict[str, str]:
        return self.headers if key is None else {**self.headers, "Idempotency-Key": key}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def a_gateway(
    fake: FakeAccounts, sidecar: Sidecar, per_minute: int = REGISTRATIONS_PER_MINUTE_MAX
) -> Gateway:
    """Return what a gateway over *fake* holds, at noon."""
    return Gateway(
        accounts=fake,
        tokens=ServiceTokens(
            keys=KeySet(sidecar.fetch, sidecar.monotonic_s),
            ended=fake,
            issuer="accounts",
            audience="accounts",
        ),
        sealing_keys=KeySet(sidecar.fetch_sealing_keys, sidecar.monotonic_s),
        now=lambda: NOON,
        new_accounts=NewAccounts(per_minute, sidecar.monotonic_s),
    )


def an_app(
    fake: FakeAccounts, sidecar: Sidecar, per_minute: int = REGISTRATIONS_PER_MINUTE_MAX
) -> FastAPI:
    """Return the application over *fake*, at noon."""
    gateway = a_gateway(fake, sidecar, per_minute)
    return create_app(lambda: nullcontext(gateway), cors_origins=[SHOP])


@contextmanager
def gateway_in_memory(per_minute: int = REGISTRATIONS_PER_MINUTE_MAX) -> Generator[GatewayInMemory]:
    fake = FakeAccounts()
    sidecar = Sidecar(fake)
    app = an_app(fake, sidecar, per_minute)
    with TestClient(app, raise_server_exceptions=False, client=("198.51.100.7", 50_000)) as client:
        yield GatewayInMemory(client, fake, sidecar, TestClient(create_operations(app)))


def problem(response: Response) -> tuple[int, str]:
    """Return status and code of an answer that says no, as RFC 9457 has it."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    return response.status_code, body["code"]
