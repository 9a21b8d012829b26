"""An account that was opened for somebody becomes theirs when they register with its claim."""

import asyncio
import secrets

import pytest

from contracts.topics import BALANCES, DEPOSIT, OPEN, REGISTER
from tests.e2e.caller import PASSWORD, Caller, a_movement, a_name
from tests.e2e.entries import posted
from tests.e2e.signing import Signing

pytestmark = pytest.mark.asyncio(loop_scope="module")


def a_claim() -> str:
    return secrets.token_urlsafe(32)


async def an_opened(caller: Caller, claim: str | None, usd: str = "10.00", **fields: str) -> str:
    """Return the name of an account just opened, with that much money."""
    username = a_name("opened")
    await caller.accepted(OPEN, caller.opening(username, claim, **fields))
    await caller.deposit(username, usd)
    return username


async def test_who_has_the_claim_signs_in_to_the_same_account(caller: Caller) -> None:
    claim = a_claim()
    username = await an_opened(caller, claim, phone="+14155550123")
    [first, *_] = await caller.inbox.some(BALANCES, username)

    answer = await caller.accepted(REGISTER, caller.registration(username, claim=claim))

    assert answer.body["account_id"] == first.body["account_id"]
    signing = Signing(caller)
    assert (await signing.sign_in(username, PASSWORD)).username == username
    moved = await caller.withdraw(username, "4.00")
    entry = moved.body["entry"]
    assert (entry["sequence"], posted(entry)) == (2, "6.00")
    with caller.service.mongodb() as database:
        account = database.accounts.find_one({"_id": username})
        assert account is not None
        assert account.keys().isdisjoint({"claim_digest", "signs_in"})
        assert account["profile"].keys() == {
            *("email", "first_name", "last_name", "marketing_consent")
        }
        assert database.registrations.find_one({"_id": username}) is None
    audit = await caller.inbox.until(
        lambda: [
            one.body["detail"]
            for one in caller.inbox.audit_events(username)
            if one.body["action"] == "register"
        ],
        "the audit event",
    )
    assert audit == ["took over the account that was opened"]


async def test_nobody_else_takes_it_over(caller: Caller) -> None:
    claim = a_claim()
    username = await an_opened(caller, claim)
    signing = Signing(caller)

    for guess in (None, a_claim(), claim[::-1]):
        body = caller.registration(username, claim=guess)
        assert await caller.refused(REGISTER, body) == "username_taken"

    assert await signing.code(signing.login(username, PASSWORD)) == "invalid_credentials"
    signing.forgive(username)
    await caller.accepted(REGISTER, caller.registration(username, claim=claim))
    assert await signing.sign_in(username, PASSWORD)


async def test_without_a_claim_it_stays_with_its_opener(caller: Caller) -> None:
    username = await an_opened(caller, None)

    for guess in (None, a_claim()):
        body = caller.registration(username, claim=guess)
        assert await caller.refused(REGISTER, body) == "username_taken"


async def test_a_claim_is_good_once_and_for_its_own_account(caller: Caller) -> None:
    claim = a_claim()
    one, other = await an_opened(caller, claim), await an_opened(caller, claim)
    with caller.service.mongodb() as database:
        found = database.accounts.find({"_id": {"$in": [one, other]}})
        assert len({each["claim_digest"] for each in found}) == 2

    await caller.accepted(REGISTER, caller.registration(one, claim=claim))

    again = caller.registration(one, "another pass phrase", claim=claim)
    assert await caller.refused(REGISTER, again) == "username_taken"
    assert await Signing(caller).sign_in(one, PASSWORD)


async def test_of_two_at_once_one_takes_it_over(caller: Caller) -> None:
    claim = a_claim()
    username = await an_opened(caller, claim)
    bodies = {
        password: caller.registration(
            username, password, claim=claim, email=f"{n}{username}@a.example"
        )
        for n, password in enumerate(("the first pass phrase", "the second pass phrase"))
    }

    answers = await asyncio.gather(*(caller.ask(REGISTER, body) for body in bodies.values()))

    codes = {password: answer.code for password, answer in zip(bodies, answers, strict=True)}
    assert sorted(codes.values(), key=str) == [None, "username_taken"]
    signing = Signing(caller)
    for password, code in codes.items():
        expected = None if code is None else "invalid_credentials"
        assert await signing.code(signing.login(username, password)) == expected
        signing.forgive(username)


async def test_sent_again_it_is_answered_as_before(caller: Caller) -> None:
    """P2, P3: the registration, and the opening behind it."""
    claim, username = a_claim(), a_name("opened")
    opening = caller.opening(username, claim)
    opened = await caller.accepted(OPEN, opening)
    registration = caller.registration(username, claim=claim)
    registered = await caller.accepted(REGISTER, registration)
    await caller.deposit(username, "1.00")

    for topic, body, first in ((REGISTER, registration, registered), (OPEN, opening, opened)):
        again = await caller.accepted(topic, body)
        assert again.body == {**first.body, "duplicate": True}

    sealed_anew = caller.registration(username, claim=claim, command_id=registration["command_id"])
    again = await caller.accepted(REGISTER, sealed_anew)
    assert again.body == {**registered.body, "duplicate": True}
    bare = {name: value for name, value in registration.items() if name != "sealed_claim"}
    assert await caller.refused(REGISTER, bare) == "command_id_conflict"


async def test_opening_paying_in_and_registering_right_behind_each_other(caller: Caller) -> None:
    """P1: each was acknowledged before the next was sent, and none is refused for being early."""
    claim, username = a_claim(), a_name("opened")
    registration = caller.registration(username, claim=claim)

    await caller.send(OPEN, caller.opening(username, claim))
    await caller.send(DEPOSIT, a_movement(username, "10.00"))
    answer = await caller.accepted(REGISTER, registration)

    assert answer.body["duplicate"] is False
    assert (await caller.withdraw(username, "10.00")).code is None
