"""The two services that the suite of the client's contract runs against: the real one, and the fake."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest
import pytest_asyncio

from client import AccountsClient
from client.testing import FakeAccounts
from tests.e2e.running import RunningService

PASSWORD = "correct horse battery staple"
REAL = pytest.param("real", marks=[pytest.mark.kafka, pytest.mark.mongo, pytest.mark.redis])
AN_ASSET = "ETH"
SETTINGS = {"assets": '{"ETH": 18}'}


@dataclass(frozen=True)
class Either:
    """One of the two, and what a gateway would know of it."""

    accounts: AccountsClient
    jwks: Mapping[str, Any]


@pytest.fixture(scope="module", params=[REAL, "fake"])
def running(request: pytest.FixtureRequest) -> RunningService | None:
    """Return the service, and then nothing; it is started only where it is asked for."""
    is_real = cast("Any", request).param == "real"
    return request.getfixturevalue("service") if is_real else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def either(running: RunningService | None) -> AsyncIterator[Either]:
    """Yield the service, and then the fake."""
    if running is None:
        async with FakeAccounts(assets={AN_ASSET: 18}) as fake:
            yield Either(fake, fake.jwks)
        return
    worker = running.workers[0]
    async with AccountsClient(
        running.addresses.kafka,
        topic_prefix=running.prefix,
        reply_topic=await running.add_reply_topic("contract"),
        sealing_keys=f"{worker.sidecar}/.well-known/sealing-keys.json",
    ) as accounts:
        yield Either(accounts, json.loads(worker.get("/.well-known/jwks.json")[1]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def accounts(either: Either) -> AccountsClient:
    return either.accounts
