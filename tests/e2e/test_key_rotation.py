"""Keys replaced while the service is in use: nobody notices, until the old ones have retired."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from client.accounts import AccountsClient
from client.errors import RefusedError
from client.sessions import refresh, sign_in, sign_out
from client.signed_in import SignedIn
from client.tokens import TokenError, TokenProblem, verify_access_token
from contracts.topics import REGISTER
from tests.e2e.caller import PASSWORD, Caller, a_name
from tests.e2e.running import RunningService, Worker
from workers.keys.pairs import KeyKind
from workers.keys.rotation import rotate

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACTIVATION_S = 4
KEPT_S = 2.0
"""How long a caller keeps the key set: half as long as a new key waits, as by default."""
ROTATIONS = 3
CALLERS = 3
RETIRED_MAX_S = 20.0


@pytest.fixture(scope="module")
def workers(service: RunningService) -> list[Worker]:
    """Two: they see a new file at different moments."""
    return [*service.workers, service.start_worker()]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def accounts(service: RunningService, workers: list[Worker]) -> AsyncIterator[AccountsClient]:
    assert len(workers) == 2
    bootstrap = service.settings.kafka_bootstrap
    async with AccountsClient(bootstrap, topic_prefix=service.prefix) as accounts:
        yield accounts


def now() -> datetime:
    return datetime.now(tz=UTC)


def published_by(worker: Worker) -> dict[KeyKind, dict[str, Any]]:
    """Return both sets of keys."""
    paths = {KeyKind.SIGNING: "jwks.json", KeyKind.SEALING: "sealing-keys.json"}
    return {kind: json.loads(worker.get(f"/.well-known/{path}")[1]) for kind, path in paths.items()}


def verify(token: str, jwks: dict[str, Any]) -> None:
    verify_access_token(token, jwks, issuer="accounts", audience="accounts")


def kid_of(signed_in: SignedIn, jwks: dict[str, Any]) -> str:
    """Return which key of the set signed the token."""
    for key in jwks["keys"]:
        try:
            verify(signed_in.tokens.access_token, {"keys": [key]})
        except TokenError:
            continue
        return key["kid"]
    raise AssertionError("no key of the set has signed it")


class KeptKeys:
    """The key sets as a gateway keeps it: fetched now and then, never because one is unknown."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._fetched_s = float("-inf")
        self._published: dict[KeyKind, dict[str, Any]] = {}

    async def of(self, kind: KeyKind) -> dict[str, Any]:
        if time.monotonic() - self._fetched_s >= KEPT_S:
            self._fetched_s = time.monotonic()
            self._published = await asyncio.to_thread(published_by, self._worker)
        return self._published[kind]


async def come_and_go(
    accounts: AccountsClient, keys: KeptKeys, username: str, rotated: asyncio.Event
) -> set[str]:
    """Sign in, refresh and out until *rotated*; return which keys signed. Raises on any refusal."""
    signed_by: set[str] = set()
    while True:
        last = rotated.is_set()
        begun = await sign_in(
            accounts, await keys.of(KeyKind.SEALING), username, PASSWORD, now=now()
        )
        signed_by.add(kid_of(begun, await keys.of(KeyKind.SIGNING)))
        token = begun.tokens.refresh_token
        renewed = await refresh(
            accounts, await keys.of(KeyKind.SEALING), username, token, now=now()
        )
        signed_by.add(kid_of(renewed, await keys.of(KeyKind.SIGNING)))
        access = renewed.tokens.access_token
        assert (
            await sign_out(accounts, await keys.of(KeyKind.SEALING), username, access, now=now())
            == 1
        )
        if last:
            return signed_by


async def rotate_again_and_again(service: RunningService, rotated: asyncio.Event) -> None:
    for _ in range(ROTATIONS):
        for kind in KeyKind:
            folder = service.settings.keys_dir
            await asyncio.to_thread(
                rotate, folder, kind, now(), activation_s=ACTIVATION_S, overlap_s=400
            )
        await asyncio.sleep(ACTIVATION_S + 1)
    rotated.set()


async def test_no_valid_request_fails_while_keys_are_replaced(
    service: RunningService, workers: list[Worker], caller: Caller, accounts: AccountsClient
) -> None:
    users = [await caller.a_user() for _ in range(CALLERS)]
    rotated = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        group.create_task(rotate_again_and_again(service, rotated))
        busy = [
            group.create_task(
                come_and_go(accounts, KeptKeys(workers[number % 2]), username, rotated)
            )
            for number, username in enumerate(users)
        ]

    used = {kid for task in busy for kid in task.result()}
    assert len(used) == 1 + ROTATIONS


async def test_what_an_old_key_sealed_or_signed_is_refused_once_it_has_retired(
    service: RunningService, workers: list[Worker], caller: Caller, accounts: AccountsClient
) -> None:
    username = await caller.a_user()
    old = published_by(workers[0])
    begun = await sign_in(accounts, old[KeyKind.SEALING], username, PASSWORD, now=now())
    token = begun.tokens.access_token
    verify(token, old[KeyKind.SIGNING])
    old_kid = kid_of(begun, old[KeyKind.SIGNING])

    for kind in KeyKind:
        rotate(service.settings.keys_dir, kind, now(), activation_s=1, overlap_s=1)
    deadline_s = time.monotonic() + RETIRED_MAX_S
    while any(old_kid in str(published_by(worker)[KeyKind.SIGNING]) for worker in workers):
        assert time.monotonic() < deadline_s, "the old signing key is still published"
        await asyncio.sleep(0.1)
    new = published_by(workers[0])

    with pytest.raises(TokenError) as unknown:
        verify(token, new[KeyKind.SIGNING])
    with pytest.raises(RefusedError) as refused:
        await sign_out(accounts, new[KeyKind.SEALING], username, token, now=now())
    with pytest.raises(RefusedError) as sealed:
        await sign_in(accounts, old[KeyKind.SEALING], username, PASSWORD, now=now())
    assert unknown.value.reason is TokenProblem.UNKNOWN_KEY
    assert refused.value.error.code == "token_invalid"
    assert sealed.value.error.code == "seal_invalid"
    assert await caller.refused(REGISTER, caller.registration(a_name())) == "seal_invalid"
    assert await sign_in(accounts, new[KeyKind.SEALING], username, PASSWORD, now=now())
