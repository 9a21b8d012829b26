"""No password and no token of a sign-in ever stands readable in anything that is written (P9)."""

import base64
from collections.abc import Iterable

import pytest

from contracts.requests import REQUESTS
from contracts.topics import (
    CHANGE_PASSWORD,
    CREDENTIALS,
    GET_PROFILE,
    LOGIN,
    LOGOUT,
    REFRESH,
    REGISTER,
    REVOCATIONS,
    TopicSpec,
)
from tests.e2e.caller import Caller, a_name, an_id
from tests.e2e.signing import Ask, Signed, Signing
from tests.e2e.test_secrets import a_canary, everything, readable_forms

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"log_level": "DEBUG"}

SEALED_INPUTS = (REGISTER, *REQUESTS)


def parts(token: str) -> list[str]:
    """Return the parts of a token that would let somebody use it, or that say whose it is."""
    return [part for part in token.split(".") if len(part) > 40]


def found_in(places: dict[str, bytes], secrets: Iterable[str]) -> list[str]:
    """Return where any of *secrets* stands, in any form that can be undone."""
    forms = [form for secret in secrets for form in readable_forms(secret)]
    return [place for place, text in places.items() if any(form in text for form in forms)]


def all_places(caller: Caller) -> dict[str, bytes]:
    """Return all that was written, the sealed inputs too."""
    sent = {
        f"topic {topic.name}": b"\n".join(one.value for one in caller.inbox.messages(topic))
        for topic in SEALED_INPUTS
    }
    return everything(caller) | sent


async def a_life(signing: Signing) -> tuple[list[str], list[Signed]]:
    """Sign in, renew, change the password, be refused for each reason; return every secret."""
    caller, username = signing.caller, a_name()
    old, new, wrong, personal = (a_canary() for _ in range(4))
    await caller.accepted(REGISTER, caller.registration(username, old))
    first, second = [await signing.sign_in(username, old) for _ in range(2)]
    renewed = await signing.renew(first)
    short = signing.change(username, renewed.access, old, f"{personal}" * 9)
    assert await signing.code(short) == "password_too_long"
    await signing.accepted(signing.change(username, renewed.access, old, new))
    assert await signing.code(signing.login(username, wrong)) == "invalid_credentials"
    assert await signing.code(signing.login(username, new)) == "too_many_attempts"
    assert await signing.code(signing.login(a_name(), wrong)) == "invalid_credentials"
    moved = signing.login(username, wrong).but(request_id=an_id())
    assert await signing.code(moved) == "seal_invalid"
    stolen = signing.logout(a_name(), renewed.access)
    assert await signing.code(stolen) == "token_invalid"
    mixed_up = signing.refresh(username, renewed.access), signing.logout(username, renewed.refresh)
    assert [await signing.code(ask) for ask in mixed_up] == ["token_invalid"] * 2
    last = await signing.renew(await signing.renew(renewed))
    assert await signing.code(signing.login(username, new, device_token=last.device)) is None
    assert await signing.code(signing.refresh(username, renewed.refresh)) == "token_reused"
    return [old, new, wrong, personal], [first, second, renewed, last]


async def test_no_password_and_no_token_stands_readable_anywhere(caller: Caller) -> None:
    await caller.inbox.follow(CREDENTIALS, REVOCATIONS, *SEALED_INPUTS)
    signing = Signing(caller)

    passwords, sessions = await a_life(signing)

    [username] = {each.username for each in sessions}
    await caller.inbox.some("events.audit", username, 15)
    places = all_places(caller)
    assert all(places[f"topic {topic.name}"] for topic in (LOGIN, REFRESH, LOGOUT, CHANGE_PASSWORD))
    assert all(places[name] for name in ("collection sessions", "collection requests", "log"))
    assert all(places[name] for name in ("topic events.audit", "topic state.revocations"))
    assert " DEBUG " in caller.service.logs()
    tokens = [
        part
        for each in sessions
        for token in (each.access, each.refresh, each.device)
        for part in parts(token)
    ]
    assert found_in(places, passwords) == []
    assert found_in(places, tokens) == []


def by_mistake(signing: Signing, secret: str) -> list[Ask]:
    """Return requests that carry a readable secret where somebody might put it."""
    username = a_name("bad")
    ask = {
        LOGIN: signing.login(username),
        REFRESH: signing.refresh(username, "none"),
        LOGOUT: signing.logout(username, "none"),
        CHANGE_PASSWORD: signing.change(username, "none", "old", "new"),
    }
    wrong: list[tuple[TopicSpec, str]] = [
        (LOGIN, "sealed_password"),
        (LOGIN, "password"),
        (LOGIN, "sealed_device_token"),
        (LOGIN, "reply_key"),
        (LOGIN, secret),
        (REFRESH, "sealed_refresh_token"),
        (REFRESH, "refresh_token"),
        (LOGOUT, "sealed_access_token"),
        (LOGOUT, "access_token"),
        (LOGOUT, "everywhere"),
        (CHANGE_PASSWORD, "sealed_passwords"),
        (CHANGE_PASSWORD, "sealed_password"),
        (CHANGE_PASSWORD, "sealed_new_password"),
        (CHANGE_PASSWORD, "new_password"),
    ]
    made = [ask[topic].but(**{name: secret, "request_id": an_id()}) for topic, name in wrong]
    question = {"request_id": an_id(), "username": username, "password": secret}
    return [*made, Ask(GET_PROFILE, question)]


async def test_what_is_sent_readable_by_mistake_stays_in_its_input_topic(caller: Caller) -> None:
    """Refused, and nowhere repeated: a dead letter says where it stands."""
    await caller.inbox.follow(*SEALED_INPUTS)
    signing, secret = Signing(caller), a_canary()
    asks = by_mistake(signing, secret)

    codes = [await signing.code(ask) for ask in asks[:-1]]

    assert set(codes) <= {"invalid_request", "unsealed_password"}
    assert codes[0] == codes[1] == "unsealed_password"
    source = base64.b64encode(secret.encode()).decode()
    header = [("authorization", secret.encode()), ("x-password", secret.encode())]
    placed = await caller.send(LOGIN, b'{"password": "' + source.encode(), key=None, headers=header)
    await caller.inbox.until(
        lambda: caller.inbox.dead_letters(str(placed)), "the dead letter of half a request"
    )
    for topic in (LOGIN, REFRESH, LOGOUT, CHANGE_PASSWORD):
        await caller.inbox.some(topic, asks[0].body["username"])
    found = set(found_in(all_places(caller), [secret]))
    inputs = {f"topic {topic.name}" for topic in (LOGIN, REFRESH, LOGOUT, CHANGE_PASSWORD)}
    assert found == inputs


async def test_a_question_repeats_no_secret_either(caller: Caller) -> None:
    """A question carries none; whoever puts one there is told not to, without its being said."""
    signing, secret = Signing(caller), a_canary()
    [ask] = by_mistake(signing, secret)[-1:]

    said = await signing.ask(ask)

    assert said.code in {"invalid_request", "unsealed_password"}
    assert secret.encode() not in said.value
    assert set(found_in(all_places(caller), [secret])) <= {f"topic {GET_PROFILE.name}"}
