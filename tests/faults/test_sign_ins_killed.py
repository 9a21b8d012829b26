"""P4, P2: the identity worker dies in the midst of sign-ins; each is answered, and opened once."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from contracts.topics import AUDIT_EVENTS, REVOCATIONS
from tests.e2e.caller import PASSWORD, open_caller
from tests.e2e.running import RunningService, Worker
from tests.e2e.signing import Ask, Signed, Signing, opened
from tests.faults.promises import SETTLED_MAX_S, eventually
from tests.faults.test_identity_kills import all_ready

SEED = 11
KILLS = 4
USERS = 30
OTHER = "another correct horse battery"


class Round:
    """One request of each user, sent all at once."""

    def __init__(self, signing: Signing, asks: Sequence[Ask]) -> None:
        self.asks = asks
        self._signing = signing

    async def send(self) -> None:
        """Return once Kafka has all of them."""
        caller = self._signing.caller
        await asyncio.gather(*(caller.send(ask.topic, ask.body) for ask in self.asks))

    async def some_answered(self, count: int) -> None:
        """Return when at least so many are answered."""
        replies, inbox = self._signing.replies, self._signing.caller.inbox
        await inbox.until(
            lambda: sum(bool(replies(ask.request_id)) for ask in self.asks) >= count,
            f"{count} answers",
        )

    async def answered(self) -> list[dict[str, Any]]:
        """Return what was said to each; each must be accepted."""
        replies = self._signing.replies
        await eventually(
            lambda: all(replies(ask.request_id) for ask in self.asks),
            "every request is answered",
            SETTLED_MAX_S,
        )
        said = [replies(ask.request_id)[0].body for ask in self.asks]
        refused = [one for one in said if one["status"] != "accepted"]
        assert refused == []
        return said

    def check(self) -> None:
        """Check that whatever was said again was the same, and is what is stored."""
        with self._signing.caller.service.mongodb() as database:
            for ask in self.asks:
                values = {message.value for message in self._signing.replies(ask.request_id)}
                stored = database.requests.find_one(
                    {"_id": f"{ask.body['username']}:{ask.request_id}"}
                )
                assert values == {bytes(stored["body"])}


async def killed_meanwhile(
    service: RunningService, worker: Worker, sent: Round, moments: random.Random
) -> Worker:
    """Send, kill the worker when some are answered, and start another; return that."""
    sending = asyncio.create_task(sent.send())
    await sent.some_answered(moments.randint(0, len(sent.asks) // 2))
    await asyncio.to_thread(worker.kill)
    await sending
    another = service.new_worker("identity")
    await all_ready(service)
    return another


@asynccontextmanager
async def open_signing(service: RunningService) -> AsyncGenerator[tuple[Signing, Worker]]:
    """Yield who signs in, and the worker that is to be killed; money has one of its own."""
    service.new_worker("ledger")
    identity = service.new_worker("identity")
    async with open_caller(service) as caller:
        await all_ready(service)
        await caller.inbox.follow(REVOCATIONS)
        yield Signing(caller), identity


def sessions_of(service: RunningService) -> dict[str, Any]:
    with service.mongodb() as database:
        return {one["_id"]: one for one in database.sessions.find()}


async def test_every_sign_in_is_answered_and_opens_one_session(service: RunningService) -> None:
    """Logins whose hashes are of an old policy, too: they are replaced on the way."""
    slow = service.but(password_bcrypt_rounds="8")
    moments = random.Random(SEED)
    async with open_signing(service) as (signing, first):
        worker = first
        users = await asyncio.gather(*(signing.caller.a_user() for _ in range(USERS)))
        rounds: list[Round] = []

        for _ in range(KILLS):
            logins = Round(signing, [signing.login(name) for name in users])
            worker = await killed_meanwhile(slow, worker, logins, moments)
            await logins.answered()
            rounds.append(logins)

        logins = [ask for each in rounds for ask in each.asks]
        told = {signing.replies(ask.request_id)[0].body["session_id"]: ask for ask in logins}
        stored = sessions_of(service)
        assert len(told) == len(logins), "each opened its own"
        assert stored.keys() == told.keys(), "and no other"
        for each in rounds:
            each.check()
        for session_id, ask in told.items():
            signed = opened(ask, signing.replies(ask.request_id)[0])
            assert signed.session_id == session_id
        await every_login_is_audited_once(signing, logins)
        with service.mongodb() as database:
            assert not database.throttles.count_documents({"failures": {"$gt": 0}}), "all forgiven"


async def every_login_is_audited_once(signing: Signing, logins: Sequence[Ask]) -> None:
    """Repeats are the same event, byte for byte."""
    inbox = signing.caller.inbox

    def events() -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        for message in inbox.messages(AUDIT_EVENTS):
            if message.body["action"] == "login":
                found.setdefault(message.body["command_id"], set()).add(message.value)
        return found

    wanted = {ask.request_id for ask in logins}
    await eventually(lambda: events().keys() == wanted, "every login is audited", SETTLED_MAX_S)
    assert {len(values) for values in events().values()} == {1}


async def test_every_session_is_renewed_moved_on_or_ended_once(service: RunningService) -> None:
    """A third of the users each renews, changes the password, signs out; all of it is cut short."""
    moments = random.Random(SEED)
    async with open_signing(service) as (signing, first):
        worker = first
        signed = await asyncio.gather(*(signing.a_session() for _ in range(USERS)))
        renewing, changing, leaving = signed[::3], signed[1::3], signed[2::3]
        rest = [signing.change(each.username, each.access, PASSWORD, OTHER) for each in changing]
        rest += [signing.logout(each.username, each.access) for each in leaving]

        for _ in range(KILLS):
            asks = [signing.refresh(each.username, each.refresh) for each in renewing]
            sent = Round(signing, [*rest, *asks])
            worker = await killed_meanwhile(service, worker, sent, moments)
            await sent.answered()
            sent.check()
            renewing = [opened(ask, signing.replies(ask.request_id)[0]) for ask in asks]
            rest = []

        versions = {each.session_id: 2 for each in signed}
        versions |= {each.session_id: 1 + KILLS for each in renewing}
        stored = sessions_of(service)
        assert {key: one["version"] for key, one in stored.items()} == versions, "once each time"
        ended = {key for key, one in stored.items() if "ended_at" in one}
        assert ended == {each.session_id for each in leaving}
        await signing.caller.inbox.until(lambda: revoked(signing) == ended, "revoked are these")
        await everybody_goes_on(signing, [*renewing, *changing], changing)


def revoked(signing: Signing) -> set[str]:
    messages = signing.caller.inbox.messages(REVOCATIONS)
    return {message.body["session_id"] for message in messages}


async def everybody_goes_on(
    signing: Signing, live: Sequence[Signed], changed: Sequence[Signed]
) -> None:
    """Renew each session that is *live*; sign in with each password that was *changed*."""
    for each in live:
        await signing.renew(each)
    for each in changed:
        await signing.sign_in(each.username, OTHER)
