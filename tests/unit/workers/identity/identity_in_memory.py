"""An identity worker with everything around it in reach, for tests."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey
from msgspec.structs import replace

from client.sealing import seal, sealing_key
from client.tokens import Claims, verify_access_token
from contracts.passwords import ChangePassword, Passwords
from contracts.requests import IdentityRequest
from contracts.sealing import Purpose
from contracts.sessions import Login, Logout, Refresh
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Source, Trace
from storage.memory.identities import MemoryThrottles
from storage.memory.ledger import MemoryCredentials, MemoryLedger
from storage.ports.credentials import Credential
from tests.builders import an_account
from tests.unit.sealed import NOON, PASSWORD
from tests.unit.workers.credentials.test_hashing import CHEAP
from tests.unit.workers.identity.identity_fakes import Accounts, Answer, Hasher, Identities
from workers.credentials.hashing import HashingPolicy, LowPriorityPool
from workers.identity.building import identity_answerers
from workers.identity.dependencies import IdentityDependencies
from workers.identity.options import DEVICE_TOKEN, IdentityOptions
from workers.identity.token_crypto import TokenCrypto
from workers.keys.files import new_key
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing
from workers.keys.tokens import TokenIssuer
from workers.monitoring.metrics import Metrics

WRONG = "not the password at all"
LOGIN, REFRESH = "accounts.requests.login", "accounts.requests.refresh"
LOGOUT, CHANGE = "accounts.requests.logout", "accounts.requests.change-password"


class IdentityInMemory:
    """An identity worker with everything around it in reach."""

    def __init__(self, directory: Path, hashing: LowPriorityPool, seals: LowPriorityPool) -> None:
        self.now = NOON
        new_key(directory, NOON)
        new_key(directory, NOON, KeyKind.SIGNING)
        self.ring = KeyRing(directory, clock=lambda: self.now)
        self.credentials = MemoryCredentials(MemoryLedger())
        self.identities = Identities(self.credentials)
        self.throttles = MemoryThrottles()
        self.accounts = Accounts()
        self.metrics = Metrics()
        self.hasher = Hasher(CHEAP, hashing)
        self.seals = seals
        self.key: OKPKey = OKPKey.generate_key("X25519", private=True)
        self._offset = 0
        self.answerer, self.sessions_answerer = identity_answerers(self.dependencies())

    def dependencies(self) -> IdentityDependencies:
        issuer = TokenIssuer(
            ring=self.ring,
            issuer="accounts",
            audience="accounts",
            access_token_s=300,
            device_token_s=int(DEVICE_TOKEN.total_seconds()),
        )
        return IdentityDependencies(
            identities=self.identities,
            throttles=self.throttles,
            accounts=self.accounts,
            hasher=self.hasher,
            envelopes=TokenCrypto(self.ring, issuer, self.claims, self.seals),
            clock=lambda: self.now,
            metrics=self.metrics,
            options=IdentityOptions(),
        )

    def restart(self, policy: HashingPolicy = CHEAP) -> None:
        self.hasher = Hasher(policy, self.hasher.pool)
        self.answerer, self.sessions_answerer = identity_answerers(self.dependencies())

    def claims(self, token: str, now: datetime) -> Claims:
        jwks = self.ring.jwks()
        return verify_access_token(token, jwks, issuer="accounts", audience="accounts", now=now)

    @property
    def failures(self) -> dict[str, int]:
        """What counts against somebody, by subject."""
        counts = self.throttles.counts.items()
        return {subject: count.failures for subject, count in counts if count.failures}

    def counted(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"accounts_{name}", labels)

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def register(self, username: str = "alice", password: str = PASSWORD) -> Credential:
        credential = Credential(
            username=username,
            command_id="register",
            hash=self.hasher.hash_here(password),
            created_at=NOON,
        )
        self.credentials.by_username[username] = credential
        self.accounts[username] = an_account(username)
        return credential

    def credential(self, username: str = "alice") -> Credential:
        return self.credentials.by_username[username]

    def sealed(self, secret: str, purpose: Purpose, request_id: str, **other: Any) -> str:
        told: dict[str, Any] = {
            "key": sealing_key(self.ring.sealing_jwks()),
            "purpose": purpose,
            "command_id": request_id,
            "username": "alice",
            "issued_at": self.now,
        }
        return seal(secret, **(told | other))

    def jwk(self) -> dict[str, Any]:
        public = self.key.as_dict(private=False)
        return {name: public[name] for name in ("kty", "crv", "x")}

    def login(
        self, password: str = PASSWORD, request_id: str = "in-1", **other: Any
    ) -> RequestRecord:
        username = other.pop("username", "alice")
        device_token = other.pop("device_token", None)
        reply_key = self.jwk()
        fields: dict[str, Any] = {
            "request_id": request_id,
            "username": username,
            "reply_key": reply_key,
            "sealed_password": self.sealed(
                password,
                Purpose.LOGIN_PASSWORD,
                request_id,
                username=username,
                reply_key=reply_key,
            ),
        }
        if device_token is not None:
            fields["sealed_device_token"] = self.sealed(
                device_token,
                Purpose.LOGIN_DEVICE,
                request_id,
                username=username,
                reply_key=reply_key,
            )
        return self.asked(LOGIN, Login.model_validate(fields | other))

    def refresh(self, token: str, request_id: str = "re-1", **other: Any) -> RequestRecord:
        username = other.pop("username", "alice")
        reply_key = self.jwk()
        fields: dict[str, Any] = {
            "request_id": request_id,
            "username": username,
            "reply_key": reply_key,
            "sealed_refresh_token": self.sealed(
                token, Purpose.REFRESH_TOKEN, request_id, username=username, reply_key=reply_key
            ),
        }
        return self.asked(REFRESH, Refresh.model_validate(fields | other))

    def logout(self, token: str, request_id: str = "out-1", **other: Any) -> RequestRecord:
        username = other.pop("username", "alice")
        sealed = self.sealed(token, Purpose.LOGOUT_TOKEN, request_id, username=username)
        fields: dict[str, Any] = {
            "request_id": request_id,
            "username": username,
            "sealed_access_token": sealed,
        }
        return self.asked(LOGOUT, Logout.model_validate(fields | other))

    def change(self, token: str, old: str, new: str, request_id: str = "ch-1") -> RequestRecord:
        pair = Passwords(password=old, new_password=new).to_seal()
        request = ChangePassword(
            request_id=request_id,
            username="alice",
            sealed_access_token=self.sealed(token, Purpose.CHANGE_TOKEN, request_id),
            sealed_passwords=self.sealed(pair, Purpose.CHANGE_PASSWORDS, request_id),
        )
        return self.asked(CHANGE, request)

    def asked(self, topic: str, request: IdentityRequest) -> RequestRecord:
        self._offset += 1
        return RequestRecord(
            request=request,
            type=topic.removeprefix("accounts.requests."),
            source=Source(topic=topic, partition=0, offset=self._offset),
            timestamp_ms=int(self.now.timestamp() * 1000),
            trace=Trace(correlation_id=f"c-{request.request_id}"),
            actor="gateway",
        )

    def again(self, asked: RequestRecord) -> RequestRecord:
        """Return the same request in a record of its own."""
        self._offset += 1
        source = replace(asked.source, offset=self._offset)
        return replace(asked, source=source, timestamp_ms=int(self.now.timestamp() * 1000))

    async def answer(self, asked: RequestRecord) -> Answer:
        [answer] = await self.answers([asked])
        return answer

    async def answers(self, asked: Sequence[RequestRecord]) -> list[Answer]:
        return [Answer(each, self.key) for each in await self.answerer.answer(asked)]

    async def signed_in(self, request_id: str = "in-1") -> Answer:
        answer = await self.answer(self.login(request_id=request_id))
        assert answer.status == "accepted"
        return answer


@contextmanager
def identity_in_memory(directory: Path) -> Generator[IdentityInMemory]:
    """Yield one; alice is registered."""
    hashing, seals = LowPriorityPool("hashing", 1), LowPriorityPool("seals", 1, niceness=0)
    in_memory = IdentityInMemory(directory / "keys", hashing, seals)
    in_memory.register()
    yield in_memory
    hashing.close()
    seals.close()
