"""Every entry has two sides, and the houses' sums are the other side of all accounts (P13)."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.ledger.batch import decide_lane
from handlers.ledger.house_rows import house_rows
from handlers.ledger.lane_decision import LaneDecision
from handlers.ledger.recording import WriterMark
from handlers.model.account import BOOKED, NOT_BOOKED, Account, Balance
from handlers.model.house import EXTERNAL, OPENING, HouseRow
from handlers.model.input_records import CommandRecord
from storage.mongo.documents.accounts import from_outcome
from tests.builders import NOON, an_account, an_entry, an_outcome
from tests.received import RULES, a_deposit, a_withdrawal, all_read, by_rules, known, received

MINOR = 10**15
USERS = ("alice", "bob", "carol")


def decided(commands: Sequence[CommandRecord], accounts: Sequence[Account]) -> LaneDecision:
    users: dict[str, list[CommandRecord]] = {}
    for command in commands:
        users.setdefault(command.command.username, []).append(command)
    return decide_lane(
        list(users.values()),
        known(*accounts, email_owners={}),
        all_read(),
        WriterMark(writer="me", unacknowledged={}, lane=3),
        per_command=by_rules(RULES),
        now=NOON,
    )


def row(house: str, sum_minor: int, currency: str = "USD", scale: int = 2) -> HouseRow:
    return HouseRow(
        writer="me:3",
        house=house,
        currency=currency,
        scale=scale,
        sum_minor=sum_minor,
        changed_at=NOON,
    )


def test_a_lane_writes_each_sum_once_however_many_commands_it_had() -> None:
    commands = [
        received(a_deposit("5.00", username=name, command_id=f"{name}-{n}"))
        for name in USERS
        for n in range(4)
    ]

    changes = decided(commands, [an_account(name) for name in USERS]).changes

    assert changes.houses == [row(EXTERNAL, -6000)]
    assert changes.houses[0].id == "me:3:external:USD:2"


def test_what_comes_to_nothing_is_not_written() -> None:
    commands = [received(a_deposit("5.00")), received(a_withdrawal("5.00"), at_ms=1001)]

    changes = decided(commands, [an_account()]).changes

    assert len(changes.outcomes) == 2
    assert changes.houses == []


def test_each_house_that_is_named_has_its_own_sum() -> None:
    moves = [a_deposit("5.00"), a_deposit("7.00", command_id="d-2", house="opening")]
    commands = [received(move, at_ms=1000 + n) for n, move in enumerate(moves)]

    decision = decided(commands, [an_account()])

    assert decision.changes.houses == [row(EXTERNAL, -500), row(OPENING, -700)]
    usual, named = decision.changes.outcomes
    assert "house" not in from_outcome(usual)["entry"]
    assert from_outcome(named)["entry"]["house"] == OPENING


def test_one_currency_in_two_scales_is_two_sums() -> None:
    entries = [an_entry(scale=2), an_entry(scale=8)]
    outcomes = [replace(an_outcome(sequence=1), entry=entry) for entry in entries]

    rows = house_rows(outcomes, (), writer="me:3", at=NOON)

    assert rows == [row(EXTERNAL, -1000), row(EXTERNAL, -1000, scale=8)]


def test_the_first_write_takes_what_an_account_held_into_the_books() -> None:
    old = an_account(
        balances={
            "USD": Balance(posted_minor=700, scale=2, held_minor=100),
            "JPY": Balance(posted_minor=0, scale=0),
            "BTC": Balance(posted_minor=5, scale=8),
        },
        books=NOT_BOOKED,
    )

    changes = decided([received(a_deposit("1.00"))], [old]).changes

    assert [one.books for one in changes.accounts] == [BOOKED]
    assert list(changes.houses) == [
        row(EXTERNAL, -100),
        row(OPENING, -700),
        row(OPENING, -5, "BTC", 8),
    ]


def test_a_refusal_takes_nothing_into_the_books() -> None:
    old = an_account(posted_minor=700, books=NOT_BOOKED)

    changes = decided([received(a_withdrawal("9.00"))], [old]).changes

    assert len(changes.outcomes) == 1
    assert (changes.accounts, changes.houses) == ([], [])


AMOUNTS = st.integers(1, 10_000).map(lambda minor: f"{minor // 100}.{minor % 100:02}")
LANES = st.lists(
    st.lists(st.tuples(st.sampled_from(USERS), st.booleans(), AMOUNTS), max_size=6), max_size=6
)


@given(LANES, st.lists(st.integers(0, 5000), min_size=3, max_size=3))
def test_users_and_houses_come_to_zero_after_every_transaction(
    lanes: Sequence[Sequence[tuple[str, bool, str]]], held: Sequence[int]
) -> None:
    accounts = {
        name: an_account(name, posted_minor=minor, books=NOT_BOOKED)
        for name, minor in zip(USERS, held, strict=True)
    }
    houses = Counter[tuple[str, int]]()
    for number, lane in enumerate(lanes):
        commands = [
            received(
                (a_deposit if gives else a_withdrawal)(
                    amount, username=name, command_id=f"{number}-{n}"
                )
            )
            for n, (name, gives, amount) in enumerate(lane)
        ]
        changes = decided(commands, list(accounts.values())).changes
        accounts |= {one.username: one for one in changes.accounts}
        for each in changes.houses:
            houses[each.currency, each.scale] += each.sum_minor

        users = sum(
            balance.posted_minor
            for one in accounts.values()
            if one.books == BOOKED
            for balance in one.balances.values()
        )
        assert users + houses["USD", 2] == 0
