"""Keys are replaced while users sign in: no good request fails, and the old keys are done for."""

import asyncio
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import orjson

from client.sealing import sealing_key
from client.tokens import verify_access_token
from tests.e2e.caller import PASSWORD, open_caller
from tests.e2e.cli_process import Program
from tests.e2e.running import RunningService, Worker
from tests.e2e.signing import Signed, Signing
from tests.faults.scene import started
from workers.key_files import read_keys
from workers.key_pairs import Kind
from workers.keys import KeyRing
from workers.tokens import TokenIssuer

ACCESS_TOKEN_S = 10
ACTIVATION_S = 3
OVERLAP_S = ACCESS_TOKEN_S + 2
HELD_S = 6.0
"""How long a token is held before it is used: less than it is good for, by far."""

KEY_SET_KEPT_S = 1.0
"""How long callers here keep the key set: less than a new key waits."""

CALLERS = 4
CHECKED_S = 2.0
"""Twice as long as the service takes to look at its keys again."""


@dataclass
class Gateway:
    """Signs users in and out with the keys that the service shows, and verifies what it gets."""

    signing: Signing
    worker: Worker
    signed_by: Counter[str] = field(default_factory=Counter[str])
    """Key id → tokens."""
    sealed_to: Counter[str] = field(default_factory=Counter[str])
    over: bool = False
    _keys: dict[str, Any] = field(default_factory=dict[str, Any])
    _read_at: float = float("-inf")

    def read_keys(self) -> None:
        if time.monotonic() - self._read_at > KEY_SET_KEPT_S:
            self._keys = orjson.loads(self.worker.get("/.well-known/jwks.json")[1])
            self._read_at = time.monotonic()
            self.signing.key = sealing_key(self._keys)
        self.sealed_to[self.signing.key["kid"]] += 1

    def verify(self, signed: Signed) -> None:
        claims = verify_access_token(
            signed.access, self._keys, issuer="accounts", audience="accounts", leeway_s=0
        )
        assert claims.session_id == signed.session_id
        self.signed_by[jwt.get_unverified_header(signed.access)["kid"]] += 1

    async def go_on(self, username: str) -> None:
        """Sign in, renew and sign out, over and over; each has to work."""
        while not self.over:
            self.read_keys()
            signed = await self.signing.sign_in(username)
            self.verify(signed)
            self.read_keys()
            renewed = await self.signing.renew(signed)
            self.verify(renewed)
            self.read_keys()
            out = await self.signing.accepted(self.signing.logout(username, renewed.access))
            assert out.body["sessions_ended"] == 1

    async def hold_on(self, username: str) -> None:
        """Sign in, and sign out with a token that is no longer new."""
        while not self.over:
            self.read_keys()
            signed = await self.signing.sign_in(username)
            await asyncio.sleep(HELD_S)
            self.read_keys()
            out = await self.signing.accepted(self.signing.logout(username, signed.access))
            assert out.body["sessions_ended"] == 1


def before_rotation(service: RunningService, copy: Path) -> tuple[TokenIssuer, dict[str, Any]]:
    """Return who signs with the keys of now for ever, and the key that is sealed to now."""
    shutil.copytree(service.settings.keys_dir, copy)
    ring = KeyRing(copy)
    issuer = TokenIssuer(
        ring=ring, issuer="accounts", audience="accounts", access_token_s=ACCESS_TOKEN_S
    )
    return issuer, ring.published().public_jwk()


async def codes(
    gateway: Gateway, signed: Signed, issuer: TokenIssuer, old_key: dict[str, Any]
) -> tuple[str | None, str | None]:
    """Return what is said to a token that the old key signs now, and to a password sealed to it."""
    signing, username = gateway.signing, signed.username
    now = datetime.now(tz=UTC)
    token = issuer.access_token(username, signed.session_id, 0, now)
    gateway.read_keys()
    signed_by_old = await signing.code(signing.logout(username, token))
    signing.key = old_key
    sealed_to_old = signing.login(username)
    signing.key = sealing_key(orjson.loads(gateway.worker.get("/.well-known/jwks.json")[1]))
    return signed_by_old, await signing.code(sealed_to_old)


async def test_keys_are_replaced_while_users_sign_in(
    service: RunningService, tmp_path: Path
) -> None:
    service = service.but(access_token_s=str(ACCESS_TOKEN_S), token_leeway_s="0")
    issuer, old_key = before_rotation(service, tmp_path / "old-keys")
    async with open_caller(service) as caller:
        [worker] = await started(service, 1)
        gateway = Gateway(Signing(caller), worker)
        users = [await caller.a_user() for _ in range(2 * CALLERS)]
        load = [
            *(asyncio.create_task(gateway.go_on(name)) for name in users[:CALLERS]),
            *(asyncio.create_task(gateway.hold_on(name)) for name in users[CALLERS:]),
        ]
        sessions = [await gateway.signing.a_session() for _ in range(2)]

        rotated = await asyncio.to_thread(rotate, service)
        began = time.monotonic()
        await asyncio.sleep(ACTIVATION_S + CHECKED_S)
        during = await codes(gateway, sessions[0], issuer, old_key)
        overlap_s = ACTIVATION_S + OVERLAP_S + CHECKED_S
        await asyncio.sleep(began + overlap_s - time.monotonic())
        after = await codes(gateway, sessions[1], issuer, old_key)
        gateway.over = True
        await asyncio.gather(*load)

        assert during == (None, None)
        assert after == ("token_invalid", "seal_invalid")
        assert len(gateway.signed_by) == 2, "the old one and the new one"
        assert len(gateway.sealed_to) == 2
        assert gateway.signed_by.keys() | gateway.sealed_to.keys() == rotated
        assert (await gateway.signing.sign_in(users[0], PASSWORD)).access


def rotate(service: RunningService) -> set[str]:
    """Replace the keys of both kinds, as an operator does; return which there are."""
    options = ("--activation", str(ACTIVATION_S), "--overlap", str(OVERLAP_S))
    done = Program(service.folder, service.environ).run("keys", "rotate", *options)
    assert done.returncode == 0, done.stderr
    return {key.kid for kind in Kind for key in read_keys(service.settings.keys_dir, kind)}
