"""P2: all offsets of all groups are set back; whoever could sign in still can, and nobody else."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from contracts.requests import QUERIES
from contracts.topics import (
    CHANGE_PASSWORD,
    CREDENTIALS,
    GET_BALANCE,
    LOGIN,
    LOGOUT,
    ORDERED,
    REFRESH,
    REVOCATIONS,
    TopicSpec,
)
from tests.e2e.caller import PASSWORD, an_id, open_caller
from tests.e2e.inbox import PATIENCE_S
from tests.e2e.running import RunningService
from tests.e2e.signing import LONG_AGO, Ask, Signed, Signing, guessed_all_day, ms
from tests.faults.promises import eventually
from tests.faults.running_traffic import started, stopped
from tests.faults.test_offsets_reset import rewind

OTHER = "another correct horse battery"
AGE_MAX_S = 10
"""The least that may be configured."""

LOCKED_MIN_S = 60
"""Far beyond the wait after one failure: all guesses are used up."""

IDENTITY = ("sessions", "credentials", "throttles", "accounts", "outcomes")


@dataclass
class Town:
    """Users with a past."""

    changed: Signed
    """Of a user with a new password: the session it was changed in, refreshed since."""
    live: Signed
    """Of the same user, opened with the new password."""
    ended: list[Signed]
    """By that change, by a logout, by a token spent twice."""
    guessed: str
    """Somebody failed to sign in under this name, once."""
    locked: str
    """Somebody guessed as often as anybody may."""


async def a_town(signing: Signing) -> Town:
    """Have users sign in, fail to, change a password, sign out, and lose a token to a thief."""
    first = await signing.a_session()
    username = first.username
    other = await signing.sign_in(username)
    await signing.accepted(signing.change(username, first.access, PASSWORD, OTHER))
    live = await signing.renew(await signing.sign_in(username, OTHER))
    left = await signing.a_session()
    await signing.accepted(signing.logout(left.username, left.access))
    robbed = await signing.a_session()
    await signing.renew(await signing.renew(robbed))
    assert await signing.code(signing.refresh(robbed.username, robbed.refresh)) == "token_reused"
    guessed, locked = [await signing.caller.a_user() for _ in range(2)]
    guessed_all_day(signing.caller.service, locked, but=1)
    for name in (guessed, locked):
        assert await signing.code(signing.login(name, OTHER)) == "invalid_credentials"
        assert await signing.code(signing.login(name, PASSWORD)) == "too_many_attempts"
    await signing.accepted(Ask(GET_BALANCE, {"request_id": an_id(), "username": username}))
    return Town(await signing.renew(first), live, [other, left, robbed], guessed, locked)


async def nothing_has_changed(signing: Signing, town: Town) -> None:
    """Everybody tries what should work, and what should not."""
    username = town.changed.username
    await signing.sign_in(username, OTHER)
    assert await signing.code(signing.login(username, PASSWORD)) == "invalid_credentials"
    signing.forgive(username)
    town.changed = await signing.renew(town.changed)
    town.live = await signing.renew(town.live)
    for each in town.ended:
        ask = signing.refresh(each.username, each.refresh)
        assert await signing.code(ask) == "session_ended"
    await signing.sign_in(town.guessed)
    locked_out = await signing.ask(signing.login(town.locked))
    assert locked_out.code == "too_many_attempts"
    assert locked_out.body["retry_after_s"] > LOCKED_MIN_S


async def all_offsets_to_zero(service: RunningService) -> None:
    settings = service.settings
    groups: dict[str, list[TopicSpec]] = {
        settings.ledger.group: list(ORDERED),
        settings.identity_group: [CREDENTIALS],
        settings.signin_group: [LOGIN, CHANGE_PASSWORD],
        settings.sessions_group: [REFRESH, LOGOUT],
        settings.query_group: list(QUERIES),
    }
    for group, topics in groups.items():
        await rewind(service, group, [topic.name for topic in topics])


def kept(service: RunningService) -> dict[str, list[Any]]:
    with service.mongodb() as database:
        return {name: list(database[name].find().sort("_id")) for name in IDENTITY}


async def replayed(signing: Signing, service: RunningService) -> Counter[str]:
    """Have everything read again; return how often each request was answered before."""
    before = Counter(
        {ask.request_id: len(signing.replies(ask.request_id)) for ask in signing.asked}
    )
    registrations = dict(signing.caller.inbox.answered)
    [worker] = [each for each in service.workers if each.pid is not None]
    status, _ = await stopped(worker)
    assert status == 0, worker.log_end()
    await all_offsets_to_zero(service)

    await started(service, 1)

    sent = Counter(ask.request_id for ask in signing.asked)
    await eventually(
        lambda: all(len(signing.replies(one)) >= before[one] + sent[one] for one in sent),
        "every request is answered again",
        PATIENCE_S,
    )
    answered = signing.caller.inbox.answered
    await eventually(
        lambda: all(answered[one] > count for one, count in registrations.items()),
        "every command is answered again",
        PATIENCE_S,
    )
    return before


async def test_everything_read_again_signs_nobody_in_or_out(service: RunningService) -> None:
    async with open_caller(service) as caller:
        await started(service, 1)
        await caller.inbox.follow(REVOCATIONS)
        signing = Signing(caller)
        town = await a_town(signing)
        stored = await asyncio.to_thread(kept, service)
        revoked = {message.key for message in caller.inbox.messages(REVOCATIONS)}
        with service.mongodb() as database:  # as if it was so long ago that nobody may ask again
            earlier = {"$subtract": ["$answered_at", ms(LONG_AGO)]}
            database.requests.update_many({}, [{"$set": {"answered_at": earlier}}])

        await replayed(signing, service)

        for ask in signing.asked:
            if ask.topic not in QUERIES:
                values = {message.value for message in signing.replies(ask.request_id)}
                assert len(values) == 1, "the same record, the same answer"
        assert await asyncio.to_thread(kept, service) == stored
        assert {message.key for message in caller.inbox.messages(REVOCATIONS)} == revoked
        await nothing_has_changed(signing, town)


async def test_requests_whose_answers_are_forgotten_are_too_old(service: RunningService) -> None:
    """What was answered is forgotten only when it would be refused for its age."""
    forgetful = service.but(request_age_max_s=str(AGE_MAX_S))
    async with open_caller(forgetful) as caller:
        await started(forgetful, 1)
        await caller.inbox.follow(REVOCATIONS)
        signing = Signing(caller)
        town = await a_town(signing)
        stored = await asyncio.to_thread(kept, service)
        revoked = {message.key for message in caller.inbox.messages(REVOCATIONS)}
        with service.mongodb() as database:
            database.requests.delete_many({})
        await asyncio.sleep(AGE_MAX_S)

        before = await replayed(signing, forgetful)

        for ask in signing.asked:
            if ask.topic not in QUERIES:
                again = signing.replies(ask.request_id)[before[ask.request_id] :]
                assert {message.code for message in again} == {"expired"}
        assert await asyncio.to_thread(kept, service) == stored
        assert {message.key for message in caller.inbox.messages(REVOCATIONS)} == revoked
        await nothing_has_changed(signing, town)
