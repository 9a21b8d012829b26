"""What the query worker answers, and how often it asks the store."""

from datetime import date
from typing import Any

import orjson
import pytest
from msgspec.structs import asdict, replace

from contracts.codes import Code
from contracts.events import Balances
from contracts.queries import ProfileAnswer
from contracts.results import Result
from handlers.model.account import Balance, Profile
from handlers.model.outcome import Outcome
from handlers.wire.rendering import Rendering
from handlers.wire.rendering import balances as balances_record
from storage.ports.errors import StoreUnavailableError
from tests.builders import NOON, an_account, an_outcome
from tests.ports.written import write
from tests.unit.asking import asked, reply_of
from tests.unit.handlers.history.histories import entry
from tests.unit.workers.requests.queries_in_memory import LATER, QueriesInMemory
from workers.requests.queries import BATCH_RECORDS_MAX, BATCH_SCAN_MAX, PAGES_AT_ONCE_MAX

HELD = {
    "USD": Balance(posted_minor=1050, scale=2, held_minor=50),
    "JPY": Balance(posted_minor=7, scale=0),
}


@pytest.fixture
def queries() -> QueriesInMemory:
    return QueriesInMemory()


async def test_a_reply_names_its_question(queries: QueriesInMemory) -> None:
    reply = await queries.ask("get-balance", "nobody")

    named = (reply.request_id, reply.username, reply.type, reply.answered_at)
    assert named == ("ask-1", "nobody", "get-balance", LATER)


@pytest.mark.parametrize("name", ["get-profile", "get-balance", "list-transactions"])
async def test_nobody_has_no_profile_balance_or_history(
    queries: QueriesInMemory, name: str
) -> None:
    reply = await queries.ask(name, "nobody")

    assert reply.status == "rejected"
    assert reply.error is not None
    assert reply.error.code == Code.UNKNOWN_ACCOUNT
    assert (reply.profile, reply.balances, reply.page) == (None, None, None)


@pytest.mark.parametrize(("registered", "status"), [(True, "active"), (False, "pending")])
async def test_a_profile_says_whether_one_can_sign_in(
    queries: QueriesInMemory, status: str, *, registered: bool
) -> None:
    await write(queries.ledger, accounts=[an_account()])
    await queries.signed_up(*(["alice"] if registered else ["bob"]))

    reply = await queries.ask("get-profile")

    assert reply.profile is not None
    assert reply.profile.status == status


async def test_a_profile_has_every_field(queries: QueriesInMemory) -> None:
    profile = Profile(
        email="ada@example.com",
        first_name="Ada",
        last_name="Lovelace",
        phone="+14155550123",
        date_of_birth=date(1915, 12, 10),
        marketing_consent=True,
    )
    await write(queries.ledger, accounts=[an_account(profile=profile)])

    reply = await queries.ask("get-profile")

    assert reply.profile == ProfileAnswer(
        account_id="id-of-alice",
        status="pending",
        email="ada@example.com",
        first_name="Ada",
        last_name="Lovelace",
        phone="+14155550123",
        date_of_birth=date(1915, 12, 10),
        marketing_consent=True,
        opened_at=NOON,
    )


async def test_what_a_profile_lacks_is_absent(queries: QueriesInMemory) -> None:
    account = an_account()
    await write(queries.ledger, accounts=[account])

    (said,) = await queries.answerer.answer([asked("get-profile")])

    absent = {name for name, value in asdict(account.profile).items() if value is None}
    assert absent >= {"phone", "date_of_birth"}
    assert orjson.loads(said.reply.value)["profile"].keys() == (
        ProfileAnswer.model_fields.keys() - absent
    )


@pytest.mark.parametrize(
    ("fields", "currencies"),
    [
        ({}, {"USD", "JPY"}),
        ({"currency": "USD"}, {"USD"}),
        ({"currency": "JPY"}, {"JPY"}),
        ({"currency": "EUR"}, set[str]()),
    ],
)
async def test_balances_are_those_asked_for(
    queries: QueriesInMemory, fields: dict[str, str], currencies: set[str]
) -> None:
    account = an_account(balances=HELD, sequence=9)
    await write(queries.ledger, accounts=[account])

    reply = await queries.ask("get-balance", **fields)

    state = Balances.model_validate_json(balances_record(account).value)
    kept = {code: each for code, each in state.balances.items() if code in currencies}
    assert reply.balances == state.model_copy(update={"balances": kept})


@pytest.mark.parametrize(
    "outcome",
    [
        an_outcome(sequence=3, command_id="asked"),
        an_outcome(command_id="asked", type="update-profile"),
        an_outcome(command_id="asked", code=Code.USERNAME_TAKEN, detail="alice is taken"),
        an_outcome(command_id="asked", type="withdraw", code=Code.INSUFFICIENT_FUNDS, detail="no"),
    ],
)
async def test_an_outcome_is_the_recorded_result(
    queries: QueriesInMemory, outcome: Outcome
) -> None:
    await write(queries.ledger, outcomes=[outcome])

    reply = await queries.ask("get-outcome", command_id="asked")

    assert reply.outcome is not None
    assert reply.outcome.state == "decided"
    said = Rendering(outcome).result(duplicate=False).value
    assert reply.outcome.result == Result.model_validate_json(said)


@pytest.mark.parametrize(("registered", "state"), [(True, "decided"), (False, "pending")])
async def test_a_registration_is_pending_until_its_password_is_hashed(
    queries: QueriesInMemory, state: str, *, registered: bool
) -> None:
    await write(queries.ledger, accounts=[an_account()], outcomes=[an_outcome(command_id="asked")])
    await queries.signed_up(*(["alice"] if registered else []))

    reply = await queries.ask("get-outcome", command_id="asked")

    assert reply.outcome is not None
    assert (reply.outcome.state, reply.outcome.result.status) == (state, "accepted")


@pytest.mark.parametrize("command_id", ["other", "aske", "asked ", "alice:asked", '{"$gt": ""}'])
async def test_a_command_that_was_not_decided_is_unknown(
    queries: QueriesInMemory, command_id: str
) -> None:
    other = an_outcome("bob", command_id="other")
    await write(queries.ledger, outcomes=[an_outcome(command_id="asked"), other])

    reply = await queries.ask("get-outcome", command_id=command_id)

    assert reply.error is not None
    assert (reply.error.code, reply.error.retryable) == (Code.UNKNOWN_COMMAND, True)
    assert reply.outcome is None


async def test_a_page_is_of_its_user(queries: QueriesInMemory) -> None:
    mine = [an_outcome(sequence=sequence) for sequence in (1, 2, 3)]
    await write(queries.ledger, accounts=[an_account()], outcomes=[*mine, an_outcome("bob", "one")])

    reply = await queries.ask("list-transactions", limit=2)

    assert reply.page is not None
    assert reply.page.username == "alice"
    assert [each.sequence for each in reply.page.transactions] == [3, 2]
    assert reply.page.next_cursor is not None


async def test_a_cursor_of_another_question_is_refused(queries: QueriesInMemory) -> None:
    entries = [an_outcome(sequence=sequence) for sequence in (1, 2, 3)]
    await write(queries.ledger, accounts=[an_account()], outcomes=entries)
    first = await queries.ask("list-transactions", limit=2)
    assert first.page is not None

    reply = await queries.ask(
        "list-transactions", cursor=first.page.next_cursor, order="oldest", limit=2
    )

    assert reply.error is not None
    assert reply.error.code == Code.CURSOR_INVALID
    assert reply.page is None


async def test_a_batch_is_answered_in_order_with_one_look_up_of_each_kind(
    queries: QueriesInMemory,
) -> None:
    names = [f"user-{number:03}" for number in range(100)]
    outcomes = [an_outcome(name, sequence=1, command_id="first") for name in names]
    await write(queries.ledger, accounts=[an_account(name) for name in names], outcomes=outcomes)
    batch = [
        question
        for name in names
        for question in (
            asked("get-balance", name),
            asked("list-transactions", name),
            asked("get-outcome", name, command_id="first"),
            asked("get-profile", name),
        )
    ]

    said = await queries.answerer.answer(batch)

    assert [each.asked for each in said] == batch
    replies = [reply_of(each) for each in said]
    assert [(each.username, each.type) for each in replies] == [
        (each.request.username, each.type) for each in batch
    ]
    assert {each.status for each in replies} == {"accepted"}
    asked_for = sorted(each for each in queries.reads.asked if each[0] != "entries")
    assert asked_for == [("accounts", 100), ("outcomes", 100)]


async def test_pages_are_read_side_by_side_within_a_bound(queries: QueriesInMemory) -> None:
    """P12."""
    names = [f"user-{number:03}" for number in range(3 * PAGES_AT_ONCE_MAX)]
    await write(queries.ledger, accounts=[an_account(name) for name in names])

    await queries.answerer.answer([asked("list-transactions", name) for name in names])

    assert queries.reads.at_once_max == PAGES_AT_ONCE_MAX


@pytest.mark.parametrize(("pages", "shown"), [(1, 200), (100, 200), (101, 198), (500, 40)])
async def test_many_pages_at_once_are_short_so_that_others_need_not_wait(
    queries: QueriesInMemory, pages: int, shown: int
) -> None:
    """P11, P12."""
    entries = [entry(number) for number in range(1, 301)]
    await write(queries.ledger, accounts=[an_account(sequence=300)], outcomes=entries)
    fields: dict[str, Any] = {"limit": 200, "order": "oldest"}

    said = await queries.answerer.answer([asked("list-transactions", **fields)] * pages)

    page, *others = [reply_of(each).page for each in said]
    assert page is not None
    assert others == [page] * (pages - 1)
    assert [one.sequence for one in page.transactions] == [*range(1, shown + 1)]
    assert sum(limit for _, limit in entries_asked(queries)) <= BATCH_SCAN_MAX + pages

    going_on = await queries.ask("list-transactions", cursor=page.next_cursor, **fields)
    assert going_on.page is not None
    assert going_on.page.transactions[0].sequence == shown + 1


async def test_what_a_filter_keeps_back_counts_too(queries: QueriesInMemory) -> None:
    """P11, P12."""
    entries = [entry(number) for number in range(1, 301)]
    await write(queries.ledger, accounts=[an_account(sequence=300)], outcomes=entries)
    question = asked("list-transactions", currency="EUR")

    said = await queries.answerer.answer([question] * BATCH_RECORDS_MAX)

    assert sum(limit for _, limit in entries_asked(queries)) <= BATCH_SCAN_MAX + len(said)
    page = reply_of(said[-1]).page
    assert page is not None
    assert (page.transactions, page.next_cursor is None) == ((), False)


def entries_asked(queries: QueriesInMemory) -> list[tuple[str, int]]:
    return [each for each in queries.reads.asked if each[0] == "entries"]


async def test_the_reader_is_told_when_the_store_is_away(queries: QueriesInMemory) -> None:
    await write(queries.ledger, accounts=[an_account(), an_account("bob")])
    queries.reads.away = True

    with pytest.raises(StoreUnavailableError):
        await queries.answerer.answer(
            [asked("get-balance"), asked("list-transactions"), asked("list-transactions", "bob")]
        )


async def test_an_outcome_of_another_schema_is_our_bug(queries: QueriesInMemory) -> None:
    """P10: the reader then asks one by one, and only this question is not answered."""
    await write(queries.ledger, outcomes=[replace(an_outcome(command_id="asked"), schema=99)])

    with pytest.raises(AssertionError):
        await queries.ask("get-outcome", command_id="asked")
