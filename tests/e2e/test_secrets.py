"""No password and no claim ever stands readable in anything the service writes (P9)."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from bson import json_util

from contracts.topics import (
    CREDENTIALS,
    DEPOSIT,
    OPEN,
    ORDERED,
    REGISTER,
    TOPICS,
    UPDATE_PROFILE,
    WITHDRAW,
)
from tests.e2e.caller import Body, Caller, a_movement, a_name, an_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY_SETS = ("/.well-known/jwks.json", "/.well-known/sealing-keys.json")
SETTINGS = {"log_level": "DEBUG"}


def a_canary() -> str:
    """Return a password that cannot stand anywhere by chance; it would do for a claim, too."""
    return f"canary{uuid4().hex}{uuid4().hex}"


def readable_forms(secret: str) -> list[bytes]:
    """Return how it would look as it is, backwards, or encoded as any reader could undo."""
    text = secret.encode()
    # Three alignments, because base64 of the middle of a text depends on where it begins.
    encoded = [base64.b64encode(bytes(start) + text)[8:-8] for start in range(3)]
    return [text, text[::-1], text.hex().encode(), *encoded]


def everything(caller: Caller) -> dict[str, bytes]:
    """Return all that the service wrote, by where it stands; not the senders' own topics."""
    service, worker = caller.service, caller.service.workers[-1]
    found: dict[str, bytes] = {}
    for topic in TOPICS:
        if topic not in ORDERED:
            written = caller.inbox.messages(topic)
            found[f"topic {topic.name}"] = b"\n".join(
                (one.key or b"") + one.value + repr(one.header_list).encode() for one in written
            )
    with service.mongodb() as database:
        for name in database.list_collection_names():
            documents = [json_util.dumps(one) for one in database[name].find()]
            found[f"collection {name}"] = "\n".join(documents).encode()
    for path in ("/metrics", "/health", "/asyncapi.yaml", *KEY_SETS):
        found[path] = worker.get(path)[1].encode()
    found["log"] = service.logs().encode()
    return found


async def by_mistake(caller: Caller, secret: str) -> list[tuple[Any, Body]]:
    """Return commands that carry a readable secret where somebody might put it."""
    username = await caller.a_user("5.00")
    register = caller.registration(a_name())
    movement = a_movement(username, "1.00")
    profile = {"command_id": an_id(), "username": username}
    return [
        (REGISTER, register | {"sealed_password": secret}),
        (REGISTER, register | {"password": secret}),
        (REGISTER, register | {secret: "x"}),
        (REGISTER, register | {"email": secret}),
        (REGISTER, register | {"phone": secret}),
        (REGISTER, register | {"date_of_birth": secret}),
        (REGISTER, register | {"marketing_consent": secret}),
        (REGISTER, register | {"sealed_password": {"password": secret}}),
        (REGISTER, register | {"sealed_claim": secret}),
        (OPEN, caller.opening(a_name()) | {"sealed_claim": secret}),
        (OPEN, caller.opening(a_name()) | {"claim": secret}),
        (OPEN, caller.opening(a_name()) | {secret: "x"}),
        (UPDATE_PROFILE, profile | {"password": secret}),
        (UPDATE_PROFILE, profile | {"sealed_password": secret}),
        (DEPOSIT, movement | {"password": secret}),
        (DEPOSIT, movement | {"sealed_claim": secret}),
        (DEPOSIT, movement | {"amount": secret, "token": 1}),
        (WITHDRAW, movement | {"new_password": [secret]}),
        (WITHDRAW, movement | {"currency": secret, "secret": ""}),
    ]


async def claimed(caller: Caller) -> list[str]:
    """Open accounts with claims, take over, fail to, and be refused; return the claims."""
    good, wrong, foreign, padded = (a_canary() for _ in range(4))
    username = a_name()
    await caller.accepted(OPEN, caller.opening(username, good))
    assert await caller.refused(REGISTER, caller.registration(username, claim=wrong))
    await caller.accepted(REGISTER, caller.registration(username, claim=good))
    assert await caller.refused(REGISTER, caller.registration(username, claim=good))
    moved = caller.opening(a_name(), foreign) | {"command_id": an_id()}
    assert await caller.refused(OPEN, moved) == "seal_invalid"
    assert await caller.refused(OPEN, caller.opening(a_name(), f"{padded}=")) == "claim_malformed"
    return [good, wrong, foreign, padded]


async def test_no_secret_stands_readable_anywhere(caller: Caller) -> None:
    """Sealed as they should be, refused for each reason, and sent readable by mistake."""
    inbox = caller.inbox
    await inbox.follow(CREDENTIALS)
    secrets = [a_canary() for _ in range(6)]
    accepted, personal, taken, plain, header, broken = secrets
    user = await caller.a_user()
    await caller.accepted(REGISTER, caller.registration(a_name(), accepted))
    secrets += await claimed(caller)
    email = f"{personal[:60]}@example.com"
    assert await caller.refused(REGISTER, caller.registration(a_name(), email, email=email))
    assert await caller.refused(REGISTER, caller.registration(user, taken))
    sent = await by_mistake(caller, plain)
    for topic, body in sent:
        assert await caller.refused(topic, body) in {"unsealed_password", "invalid_command"}
    secret_headers = [("password", header.encode()), ("x-access-token", header.encode())]
    value = json.dumps({"password": broken})[:-1].encode()
    placed = await caller.send(REGISTER, value, key=None, headers=secret_headers)
    await inbox.until(lambda: inbox.dead_letters(str(placed)), "the dead letter")
    placed = await caller.send(DEPOSIT, value, key=None, headers=secret_headers)
    await inbox.until(lambda: inbox.dead_letters(str(placed)), "the dead letter")

    places = everything(caller)

    assert places.keys() >= {"topic internal.credentials", "collection credentials", "log"}
    assert all(places[place] for place in ("log", "topic dead-letters", "collection accounts"))
    leaks = [
        (place, form)
        for place, text in places.items()
        for secret in secrets
        for form in readable_forms(secret)
        if form in text
    ]
    assert leaks == [], [place for place, _ in leaks]


async def test_the_search_would_find_one(caller: Caller) -> None:
    """Else the test above could not fail."""
    secret = a_canary()
    await caller.deposit(await caller.a_user(), "1.00", headers=[("actor", secret.encode())])
    username = await caller.a_user()
    reason = base64.b64encode(secret.encode()).decode()
    await caller.accepted(DEPOSIT, a_movement(username, "1.00", reason=reason))
    await caller.inbox.some("events.balance", username)

    places = everything(caller)

    found = {
        place
        for place, text in places.items()
        if any(form in text for form in readable_forms(secret))
    }
    assert found >= {"topic events.balance", "topic events.audit", "collection outcomes"}


async def test_the_log_says_a_lot(caller: Caller) -> None:
    """The search above means something only where the log is at its loudest."""
    assert " DEBUG " in caller.service.logs()
