"""Every code a command can be refused with: the answer, the trail, and that nothing moved (P3)."""

from typing import Any

import pytest

from contracts.codes import Code
from contracts.problems import Problem, field_error
from contracts.refusals import OF_REQUESTS_ALONE
from contracts.topics import DEPOSIT, REGISTER, WITHDRAW
from tests.e2e import refusals
from tests.e2e.caller import Caller, a_movement, a_name
from tests.e2e.inbox import Message
from tests.e2e.refusals import WAYS, Way

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = refusals.SETTINGS


async def test_every_code_but_our_own_bug_is_tried() -> None:
    elsewhere = {
        Code.INTERNAL_ERROR,
        Code.ACCOUNT_UNREADABLE,
    }  # test_internal_error, test_cli_mending
    of_commands = set(Code) - set(OF_REQUESTS_ALONE) - elsewhere
    assert {code for code, _, _ in WAYS} == of_commands


def error_of(code: Code, answer: Message) -> dict[str, Any]:
    """Return the error as it must be; what people read may say anything."""
    said = answer.body["error"]
    assert said["detail"]
    return {
        "code": code.value,
        "title": code.info.title,
        "detail": said["detail"],
        "retryable": code.info.retryable,
        "type": f"/accounts/errors#{code.value}",
        "errors": said["errors"],
    }


@pytest.mark.parametrize(
    ("code", "way"), [pytest.param(code, way, id=f"{code}: {name}") for code, name, way in WAYS]
)
async def test_refused(caller: Caller, code: Code, way: Way) -> None:
    """P3: a refusal is an outcome like any other, or none at all; P6: nothing moves."""
    topic, body = await way(caller)
    inbox, username, command_id = caller.inbox, body["username"], body["command_id"]
    balances = stored(caller, "accounts", username).get("balances")

    answer = await caller.ask(topic, body)

    assert answer.body == {
        "command_id": command_id,
        "username": username,
        "type": topic.name.removeprefix("commands."),
        "status": "rejected",
        "duplicate": False,
        "decided_at": answer.body["decided_at"],
        "error": error_of(code, answer),
    }
    assert answer.key == username.encode()
    again = await caller.ask(topic, body)
    assert again.code == code
    assert again.body["duplicate"] is code.info.recorded
    if code.info.recorded:
        assert again.body | {"duplicate": False} == answer.body
        audits = [one.body for one in await inbox.some("events.audit", username, 2)]
        [audit, repeated] = [one for one in audits if one["command_id"] == command_id]
        assert audit == repeated
        assert (audit["outcome"], audit["code"]) == ("rejected", code.value)
    assert stored(caller, "accounts", username).get("balances") == balances
    letters = await inbox.some("dead-letters", username, 2 * code.info.dead_letter)
    assert [one.dlq["dlq_code"] for one in letters] == [code.value] * 2 * code.info.dead_letter


@pytest.mark.parametrize("wrong", [{"amount": 5}, {"note": "x"}], ids=["type", "unknown field"])
async def test_the_corrected_command_may_use_the_id_of_an_invalid_one(
    caller: Caller, wrong: dict[str, Any]
) -> None:
    body = a_movement(await caller.a_user(), "5.00")

    assert await caller.refused(DEPOSIT, body | wrong) == "invalid_command"

    await caller.accepted(DEPOSIT, body)


async def test_a_refusal_is_final_even_when_it_would_be_accepted_now(caller: Caller) -> None:
    """P3."""
    username = await caller.a_user()
    body = a_movement(username, "5.00")
    assert await caller.refused(WITHDRAW, body) == "insufficient_funds"
    await caller.deposit(username, "5.00")

    again = await caller.ask(WITHDRAW, body)

    assert (again.code, again.body["duplicate"]) == ("insufficient_funds", True)


async def test_the_problems_of_an_invalid_command_are_named_by_field(caller: Caller) -> None:
    username = await caller.a_user()

    answer = await caller.ask(DEPOSIT, a_movement(username, "1,00", "usd", **{"x\u0000y": 1}))

    assert answer.body["error"]["errors"] == [
        field_error("amount", Problem.MALFORMED),
        field_error("currency", Problem.MALFORMED),
        field_error("unknown field", Problem.UNKNOWN_FIELD),
    ]


async def test_the_first_of_several_reasons_is_the_answer(caller: Caller) -> None:
    """Codes are listed by precedence: unsupported before unknown account, seal before name."""
    other = await caller.a_user()
    nobody = a_name("nobody")

    assert await caller.refused(DEPOSIT, a_movement(nobody, "1", "ABC")) == "currency_unsupported"
    body = caller.registration(other, sealed_password="a..b.c.d")
    assert await caller.refused(REGISTER, body) == "seal_invalid"


async def test_exactly_the_limits_are_accepted(caller: Caller) -> None:
    username = await caller.a_user("1000.00")

    await caller.deposit(username, "499.50")
    await caller.deposit(username, "0.50")
    await caller.accepted(WITHDRAW, a_movement(username, "100.00"))


async def test_a_registration_repeated_in_other_words_never_changes_a_password(
    caller: Caller,
) -> None:
    """The same command with another sealed password is the same command."""
    username = a_name()
    body = caller.registration(username)
    first = await caller.accepted(REGISTER, body)
    other = caller.sealed("another fine password", body["command_id"], username)
    credential = stored(caller, "credentials", username)

    again = await caller.accepted(REGISTER, body | {"sealed_password": other})

    assert again.body == first.body | {"duplicate": True}
    assert stored(caller, "credentials", username) == credential != {}


def stored(caller: Caller, collection: str, username: str) -> dict[str, Any]:
    with caller.service.mongodb() as database:
        return database[collection].find_one({"_id": username}) or {}
