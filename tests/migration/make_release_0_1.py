"""Makes `release_0_1.jsonl`: what release 0.1 stored and answered, by that release itself.

It was run once, and imports nothing of the release that it stands in:

    git archive 0d0f50f | tar --extract --directory /tmp/release-0.1
    cd /tmp/release-0.1 && PYTHONPATH=$PWD python …/tests/migration/make_release_0_1.py

with the packages of that release's lock. Each line is a document of MongoDB, in extended JSON, a record
that was sent, with its answer, or a balance event that was published. No key and no token is kept: what was sealed stands there unsealed, to
be sealed again to a key of the test's own, and each session's token is one that follows from its id.
"""

import asyncio
import random
import sys
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from bson import json_util

from contracts.topics import DEPOSIT, REGISTER, UPDATE_PROFILE, WITHDRAW
from devstack.choose import choose
from devstack.stack import StackOptions
from tests.e2e.caller import PASSWORD, a_movement, a_profile_change, open_caller
from tests.e2e.running import a_service
from tests.e2e.signing import Signing

STORED = ("accounts", "emails", "outcomes", "registrations", "credentials", "sessions", "leases")
"""Not kept: answers to sign-ins, which last for minutes and are sealed, and what was guessed at."""

OWN_LENGTH = 21
"""Characters of a refresh token that follow those of its family."""

CURRENCIES = ("USD", "EUR", "JPY")
MOVEMENTS = 120
SEED = 1


@dataclass
class Story:
    """Sends one record after the other, and keeps each with its answers."""

    caller: Any
    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    ids: int = 0

    async def send(
        self, topic: Any, body: Mapping[str, Any], *, password: str | None = None, **how: Any
    ) -> Mapping[str, Any]:
        """Send *body*, its id named after its number, and return its answer."""
        self.ids += 1
        body = {**body, "command_id": how.pop("command_id", None) or f"command-{self.ids}"}
        if password is not None:
            name = body["username"]
            body["sealed_password"] = self.caller.sealed(password, body["command_id"], name)
        before = len(self.caller.inbox.answers(body["command_id"]))
        placed = await self.caller.send(topic, body, **how)
        answer = await self.caller.inbox.answer(body["command_id"], before + 1)
        unsealed = {name: each for name, each in body.items() if name != "sealed_password"}
        self.sent.append(
            {
                "topic": topic.name,
                "partition": placed.partition,
                "offset": placed.offset,
                "key": body["username"],
                "headers": [[name, value.decode()] for name, value in how.get("headers", ())],
                "body": unsealed,
                **({} if password is None else {"password": password}),
                "answer": answer.body,
            }
        )
        return answer.body

    async def register(self, username: str, password: str = PASSWORD, **other: Any) -> None:
        body = {
            "username": username,
            "email": f"{username}@example.com",
            "first_name": "Given",
            "last_name": "Family",
            **other,
        }
        await self.send(REGISTER, body, password=password)

    async def tell(self) -> None:
        """Have everything happen that release 0.1 could do to an account."""
        for name in ("alice", "bob", "carol", "dave", "empty"):
            await self.register(name)
        await self.register("erin", phone="+14155550123", date_of_birth="1990-12-31")
        await self._movements()
        await self._profiles()
        await self._refusals()
        await self._repeats()

    async def _movements(self) -> None:
        chance = random.Random(SEED)
        for number in range(MOVEMENTS):
            name = chance.choice(("alice", "alice", "bob", "carol", "dave"))
            currency = chance.choice(CURRENCIES)
            amount = str(chance.randint(1, 900))
            if currency != "JPY":
                amount += f".{chance.randint(0, 99):02}"
            body = a_movement(name, amount, currency)
            if number % 5 == 0:
                body |= {"metadata": {"order": str(number), "naïve": "ünï"}, "reason": "an order"}
            if number % 7 == 0:
                body |= {"related_id": f"order-{number}"}
            headers = [("actor", b"back-office"), ("correlation_id", b"c-%d" % number)]
            how: dict[str, Any] = {"headers": headers} if number % 3 == 0 else {}
            await self.send(WITHDRAW if number % 3 == 2 else DEPOSIT, body, **how)

    async def _profiles(self) -> None:
        await self.send(UPDATE_PROFILE, a_profile_change("bob", email="Robert@Example.com"))
        await self.send(UPDATE_PROFILE, a_profile_change("erin", phone=None))
        await self.send(UPDATE_PROFILE, a_profile_change("carol", email="alice@example.com"))
        await self.register("bobby", email="bob@example.com")

    async def _refusals(self) -> None:
        await self.register("alice", email="second@example.com")
        await self.register("frank", email="alice@example.com")
        await self.register("grace", "password")
        long_ago = "2020-01-01T00:00:00.000Z"
        for topic, body in (
            (WITHDRAW, a_movement("alice", "99999999.00")),
            (WITHDRAW, a_movement("empty", "0.01")),
            (DEPOSIT, a_movement("alice", "0.001")),
            (DEPOSIT, a_movement("nobody", "1.00")),
            (DEPOSIT, a_movement("alice", "1.00", "XXX")),
            (DEPOSIT, a_movement("alice", "1.00", expires_at=long_ago)),
        ):
            await self.send(topic, body)

    async def _repeats(self) -> None:
        for one in list(self.sent[6:40:4]):
            same = {name: each for name, each in one["body"].items() if name != "command_id"}
            topic = DEPOSIT if one["topic"] == DEPOSIT.name else WITHDRAW
            await self.send(topic, same, command_id=one["body"]["command_id"])
        await self.send(DEPOSIT, a_movement("alice", "7.77"), command_id="command-7")


def token_of(session_id: str) -> str:
    """Return what stands for a session's refresh token: no secret, since it follows from the id."""
    digest = sha256(f"session {session_id} of release 0.1".encode()).digest()
    return f"{session_id}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


async def sessions(caller: Any) -> None:
    """Open sessions: one as it began, one refreshed, one that has ended."""
    signing = Signing(caller)
    await signing.sign_in("alice")
    refreshed = await signing.sign_in("bob")
    await signing.ask(signing.refresh("bob", refreshed.refresh))
    ended = await signing.sign_in("carol")
    await signing.ask(signing.logout("carol", ended.access))


def documents(database: Any) -> list[dict[str, Any]]:
    """Return all that is stored, sessions with the hashes of tokens that are no secret."""
    found: list[dict[str, Any]] = []
    for collection in STORED:
        for document in database[collection].find(sort=[("_id", 1)]):
            if collection == "sessions":
                token = token_of(document["_id"])
                document["refresh_hash"] = sha256(token.encode()).digest()
                document["family_hash"] = sha256(token[:-OWN_LENGTH].encode()).digest()
            found.append({"collection": collection, "document": document})
    return found


async def published(caller: Any, story: Story) -> list[dict[str, Any]]:
    """Return the balance events, once there is one for each entry."""
    entries = sum("entry" in one["answer"] and not one["answer"]["duplicate"] for one in story.sent)
    inbox = caller.inbox
    await inbox.until(lambda: len(inbox.balance_events()) == entries, "all balance events")
    return [
        {
            "event": one.value.decode(),
            "key": one.key.decode(),
            "partition": one.partition,
            "headers": [[name, value.decode()] for name, value in one.header_list],
        }
        for one in inbox.balance_events()
    ]


async def make(addresses: Any, folder: Path) -> list[dict[str, Any]]:
    service = a_service(addresses, folder)
    try:
        await service.prepare()
        service.start_worker()
        async with open_caller(service) as caller:
            story = Story(caller)
            await story.tell()
            await sessions(caller)
            events = await published(caller, story)
        with service.mongodb() as database:
            return [{"prefix": service.prefix}, *documents(database), *story.sent, *events]
    finally:
        service.processes.close()


def main(written: Path) -> None:
    """Write the file."""
    chosen = choose({}, StackOptions(short_lived=True))
    try:
        with tempfile.TemporaryDirectory() as folder:
            lines: Sequence[Any] = asyncio.run(make(chosen.addresses, Path(folder)))
    finally:
        chosen.stop()
    options = cast("Any", json_util.RELAXED_JSON_OPTIONS)
    texts = [json_util.dumps(line, json_options=options, ensure_ascii=False) for line in lines]
    written.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    sys.stdout.write(f"{len(texts)} lines, {written.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("release_0_1.jsonl"))
