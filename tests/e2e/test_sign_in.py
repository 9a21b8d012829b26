"""Signing in, staying signed in, changing a password and signing out, over real topics."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
import pytest_asyncio
from jwt import PyJWKClient

from client.tokens import verify_access_token
from contracts.topics import REVOCATIONS
from storage.redis import RedisOptions, connect
from tests.e2e.caller import PASSWORD, Caller, a_name, an_id
from tests.e2e.inbox import Message
from tests.e2e.signing import Ask, Signed, Signing, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "another correct horse battery"
CALLERS = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signing(caller: Caller) -> AsyncIterator[Signing]:
    """Yield who signs in, with two topics of replies."""
    await caller.service.add_reply_topic("gateway")
    await caller.inbox.follow(REVOCATIONS, "replies.gateway")
    yield Signing(caller, "replies.gateway")


async def revoked(signing: Signing, session_id: str) -> Message:
    inbox = signing.caller.inbox
    found = await inbox.some(REVOCATIONS, session_id)
    assert len({message.value for message in found}) == 1
    return found[0]


async def audited(signing: Signing, username: str, count: int) -> list[tuple[str, str | None]]:
    """Return what was done by a user, and why it was refused."""
    events = await signing.caller.inbox.some("events.audit", username, count)
    return [(event.body["action"], event.body.get("code")) for event in events]


def claims_of(signing: Signing, signed: Signed) -> Any:
    """Verify as a gateway does, with the keys that the worker shows."""
    service = signing.caller.service
    _, keys = service.workers[0].get("/.well-known/jwks.json")
    settings = service.settings
    return verify_access_token(
        signed.access,
        orjson.loads(keys),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
    )


async def test_a_library_that_knows_the_key_set_alone_verifies_a_token(signing: Signing) -> None:
    signed = await signing.sign_in(await signing.caller.a_user())
    settings, worker = signing.caller.service.settings, signing.caller.service.workers[0]
    found = PyJWKClient(f"{worker.sidecar}/.well-known/jwks.json")

    key = await asyncio.to_thread(found.get_signing_key_from_jwt, signed.access)
    issuer, audience = settings.token_issuer, settings.token_audience
    claims = jwt.decode(signed.access, key, ["ES256"], issuer=issuer, audience=audience)

    assert claims["sid"] == signed.session_id


async def test_a_user_signs_in_stays_signed_in_and_signs_out(signing: Signing) -> None:
    username = await signing.caller.a_user()
    first = await signing.sign_in(username)
    second = await signing.renew(first)
    third = await signing.renew(second)
    out = await signing.accepted(signing.logout(username, third.access))
    again = await signing.accepted(signing.logout(username, third.access))
    after = await signing.code(signing.refresh(username, third.refresh))

    claims = [claims_of(signing, each) for each in (first, second, third)]
    assert {(each.username, each.session_id) for each in claims} == {(username, first.session_id)}
    assert len({each.token_id for each in claims}) == 3
    assert (out.body["sessions_ended"], again.body["sessions_ended"]) == (1, 0)
    assert after == "session_ended"
    assert await audited(signing, username, 7) == [
        ("register", None),
        ("login", None),
        *[("refresh", None)] * 2,
        *[("logout", None)] * 2,
        ("refresh", "session_ended"),
    ]


async def test_an_ended_session_is_revoked_before_that_is_said(signing: Signing) -> None:
    signed = await signing.a_session()

    said = await signing.accepted(signing.logout(signed.username, signed.access))

    record = await revoked(signing, signed.session_id)
    body, settings = record.body, signing.caller.service.settings
    assert (body["username"], body["reason"]) == (signed.username, "logout")
    kept = datetime.fromisoformat(body["expires_at"]) - datetime.fromisoformat(body["revoked_at"])
    assert kept == timedelta(seconds=settings.access_token_s + settings.token_leeway_s)
    assert record.timestamp_ms <= said.timestamp_ms
    assert record.headers["causation_id"] == said.body["request_id"]


async def test_what_somebody_else_wrote_to_redis_decides_nothing(signing: Signing) -> None:
    """P8: whoever can write there keeps no session alive, and nobody out."""
    username = await signing.caller.a_user()
    settings = signing.caller.service.settings
    signed = await signing.sign_in(username)
    redis = connect(RedisOptions(url=settings.redis_url))
    await redis.set(f"revoked:{settings.topic_prefix}{signed.session_id}", "1", ex=600)
    await redis.set(f"throttle:{settings.topic_prefix}user:{username}", f"9 {10**15} ", ex=600)
    await redis.aclose()

    again = await signing.sign_in(username)
    said = await signing.accepted(signing.logout(username, signed.access))

    assert said.body["sessions_ended"] == 1
    assert await signing.code(signing.refresh(username, signed.refresh)) == "session_ended"
    assert await signing.renew(again)


async def test_signing_out_everywhere_ends_every_session(signing: Signing) -> None:
    username = await signing.caller.a_user()
    sessions = [await signing.sign_in(username) for _ in range(3)]

    ask = signing.logout(username, sessions[0].access, everywhere=True)
    said = await signing.accepted(ask)

    assert said.body["sessions_ended"] == 3
    for each in sessions:
        assert (await revoked(signing, each.session_id)).body["reason"] == "logout"
        assert await signing.code(signing.refresh(username, each.refresh)) == "session_ended"


async def test_a_changed_password_ends_the_other_sessions_only(signing: Signing) -> None:
    username = await signing.caller.a_user()
    own, other = [await signing.sign_in(username) for _ in range(2)]

    said = await signing.accepted(signing.change(username, own.access, PASSWORD, OTHER))

    assert said.body["sessions_ended"] == 1
    assert (await revoked(signing, other.session_id)).body["reason"] == "password_changed"
    assert await signing.code(signing.refresh(username, other.refresh)) == "session_ended"
    old_token = signing.change(username, own.access, OTHER, PASSWORD)
    assert await signing.code(old_token) == "token_invalid", "refresh it first"
    assert claims_of(signing, await signing.renew(own)).epoch == 1
    assert (await signing.sign_in(username, OTHER)).session_id
    assert await signing.code(signing.login(username, PASSWORD)) == "invalid_credentials"


async def test_a_reply_goes_where_its_sender_wants_it_with_its_trace(signing: Signing) -> None:
    username = await signing.caller.a_user()
    headers = [
        ("reply_to", signing.caller.service.topic("replies.gateway").encode()),
        ("correlation_id", b"trace-me"),
        ("actor", b"gateway-7"),
    ]
    ask = signing.login(username, source="198.51.100.7")

    direct = await signing.accepted(ask, headers=headers)
    plain = await signing.accepted(signing.login(username))

    assert (direct.topic, plain.topic) == ("replies.gateway", "results")
    assert direct.key == username.encode()
    assert direct.headers["correlation_id"] == "trace-me"
    assert direct.headers["causation_id"] == ask.request_id
    events = await signing.caller.inbox.some("events.audit", username, 3)
    [event] = [each for each in events if each.body["command_id"] == ask.request_id]
    assert event.headers["correlation_id"] == "trace-me"
    assert event.body["actor"] == "gateway-7"
    assert event.body["source"] == "198.51.100.7"
    assert event.body["session_id"] == direct.body["session_id"]


@pytest.mark.parametrize("kind", ["login", "refresh", "logout", "change"])
async def test_the_same_request_gets_the_same_answer_and_later_none(
    signing: Signing, kind: str
) -> None:
    signed = await signing.a_session()
    username = signed.username
    ask = {
        "login": lambda: signing.login(username),
        "refresh": lambda: signing.refresh(username, signed.refresh),
        "logout": lambda: signing.logout(username, signed.access),
        "change": lambda: signing.change(username, signed.access, PASSWORD, OTHER),
    }[kind]()
    first = await signing.accepted(ask)
    sessions = signing.stored("sessions", username)
    events = len(await signing.caller.inbox.some("events.audit", username, 3))

    again = await signing.ask(ask)
    signing.let_time_pass("requests", f"{username}:{ask.request_id}", "answered_at")
    later = await signing.ask(ask)

    assert again.value == first.value
    assert (later.code, later.body.get("sealed_tokens")) == ("expired", None)
    assert signing.stored("sessions", username) == sessions
    await signing.accepted(signing.login(username, OTHER if kind == "change" else PASSWORD))
    assert len(await signing.caller.inbox.some("events.audit", username, events + 1)) == events + 1


async def test_of_twenty_who_spend_one_token_one_wins_and_a_thief_ends_all(
    signing: Signing,
) -> None:
    """RFC 9700 §4.14.2: later nobody can say which of them is the user."""
    signed = await signing.a_session()
    asks = [signing.refresh(signed.username, signed.refresh) for _ in range(CALLERS)]

    said = await asyncio.gather(*(signing.ask(ask) for ask in asks))

    [(ask, won)] = [(ask, one) for ask, one in zip(asks, said, strict=True) if one.code is None]
    assert [one.code for one in said].count("token_superseded") == CALLERS - 1
    winner = await signing.renew(opened(ask, won))
    thief = await signing.code(signing.refresh(signed.username, signed.refresh))
    assert thief == "token_reused", "spent twice over"
    assert await signing.code(signing.refresh(signed.username, winner.refresh)) == "session_ended"
    assert (await revoked(signing, signed.session_id)).body["reason"] == "token_reused"
    found = await audited(signing, signed.username, 2 + CALLERS + 1 + 2 + 1)
    assert found[-3:-1] == [("refresh", "token_reused"), ("token-reuse", "token_reused")]


async def test_a_token_spent_last_is_a_theft_once_nobody_can_have_lost_its_answer(
    signing: Signing,
) -> None:
    signed = await signing.a_session()
    renewed = await signing.renew(signed)
    soon = await signing.code(signing.refresh(signed.username, signed.refresh))
    signing.let_time_pass("sessions", signed.session_id, "rotated_at")

    late = await signing.code(signing.refresh(signed.username, signed.refresh))

    assert (soon, late) == ("token_superseded", "token_reused")
    assert await signing.code(signing.refresh(signed.username, renewed.refresh)) == "session_ended"


def replayed(kind: str, ask: Ask, other: Ask, user: str) -> Ask:
    """Return a request that carries the sealed field of *ask* where it does not belong."""
    field = next(name for name in ask.body if name.startswith("sealed_"))
    match kind:
        case "request":
            return ask.but(request_id=an_id())
        case "user":
            return ask.but(username=user)
        case "purpose":
            theirs = next(name for name in other.body if name.startswith("sealed_"))
            moved = {theirs: ask.body[field], "request_id": ask.request_id}
            return other.but(**moved)
        case _:
            return ask.but(reply_key=other.body["reply_key"])


@pytest.mark.parametrize("kind", ["request", "user", "purpose", "reply_key"])
@pytest.mark.parametrize("of", ["login", "refresh"])
async def test_a_sealed_field_is_good_for_what_it_was_sealed_for_only(
    signing: Signing, kind: str, of: str
) -> None:
    victim, thief = await signing.a_session(), await signing.a_session()
    login = signing.login(victim.username)
    refresh = signing.refresh(victim.username, victim.refresh)
    ask, other = (login, refresh) if of == "login" else (refresh, login)
    before = [signing.stored("sessions", each.username) for each in (victim, thief)]

    said = await signing.ask(replayed(kind, ask, other, thief.username))

    assert said.code == "seal_invalid"
    assert "sealed_tokens" not in said.body
    assert [signing.stored("sessions", each.username) for each in (victim, thief)] == before
    # The one that it was sealed for is not used up by that.
    await signing.accepted(ask)


async def test_every_failure_costs_a_wait_whether_there_is_such_a_user_or_not(
    signing: Signing,
) -> None:
    known, unknown = await signing.caller.a_user(), a_name("nobody")

    said = [
        [await signing.ask(signing.login(username, OTHER)) for _ in range(2)]
        for username in (known, unknown)
    ]

    for wrong, blocked in said:
        assert wrong.code == "invalid_credentials"
        assert (blocked.code, blocked.body["retry_after_s"]) == ("too_many_attempts", 1)
    varying = {"request_id", "username", "answered_at"}
    bodies = [
        [{name: one.body[name] for name in one.body.keys() - varying} for one in each]
        for each in said
    ]
    assert bodies[0] == bodies[1]
    assert await audited(signing, unknown, 2) == [
        ("login", "invalid_credentials"),
        ("login", "too_many_attempts"),
    ]
