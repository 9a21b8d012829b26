"""Folding one lane's commands over the accounts they name (P1, P2, P3)."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from contracts.money import AMOUNT_MINOR_MAX, to_amount
from handlers.ledger.batch import decide_lane
from handlers.ledger.finality import PartitionPosition, ReadPositions
from handlers.ledger.lane_decision import Gathered, LaneDecision
from handlers.ledger.recording import WriterMark
from handlers.model.input_records import CommandRecord
from tests.builders import NOON, an_account
from tests.received import (
    RULES,
    TOPICS,
    a_deposit,
    a_registration,
    a_withdrawal,
    all_read,
    an_update,
    by_rules,
    known,
    nothing_read,
    received,
    repeats,
)

RICH = an_account(posted_minor=10_000)
FIVE = dict.fromkeys(TOPICS, 5)


def decided(
    commands: Sequence[CommandRecord],
    gathered: Gathered,
    reading: ReadPositions | None = None,
    commands_max: int | None = None,
) -> LaneDecision:
    users: dict[str, list[CommandRecord]] = {}
    for command in commands:
        users.setdefault(command.command.username, []).append(command)
    return decide_lane(
        list(users.values()),
        gathered,
        reading or all_read(),
        WriterMark(writer="me", unacknowledged={}),
        per_command=by_rules(RULES),
        now=NOON,
        commands_max=commands_max,
    )


def codes(decision: LaneDecision) -> list[Code | None]:
    return [
        answer.refused.code if answer.refused else answer.outcome and answer.outcome.code
        for answer in decision.answers
    ]


def ids(commands: Sequence[CommandRecord]) -> list[str]:
    return [each.command.command_id for each in commands]


class TestFold:
    def test_lets_each_command_see_the_ones_before_it(self) -> None:
        commands = [
            received(a_registration()),
            received(a_deposit("5.00")),
            received(a_withdrawal("3.00"), at_ms=1001),
        ]

        decision = decided(commands, known())

        assert codes(decision) == [None, None, None]
        [account] = decision.changes.accounts
        assert (account.balances["USD"].posted_minor, account.sequence) == (200, 2)
        assert (account.version, list(decision.changes.registered)) == (1, [account])

    def test_writes_no_account_that_nothing_changed(self) -> None:
        decision = decided([received(a_withdrawal("999.00"))], known(RICH))

        assert codes(decision) == [Code.INSUFFICIENT_FUNDS]
        assert list(decision.changes.accounts) == []
        assert len(decision.changes.outcomes) == 1

    def test_never_lets_the_time_go_back_between_commands(self) -> None:
        later = replace(RICH, changed_at=NOON + timedelta(seconds=9))
        commands = [received(a_deposit(command_id=f"d-{n}"), offset=n) for n in range(3)]

        decision = decided(commands, known(later))

        assert {each.decided_at for each in decision.changes.outcomes} == {later.changed_at}

    def test_stops_after_as_many_answers_as_it_may_give(self) -> None:
        commands = [received(a_deposit(command_id=f"d-{n}"), offset=n) for n in range(3)]

        decision = decided(commands, known(RICH), commands_max=1)

        assert ids([answer.received for answer in decision.answers]) == ["d-0"]
        assert ids(decision.undecided) == ["d-1", "d-2"]
        assert len(decision.changes.outcomes) == 1


class TestRepeats:
    FIRST = received(a_deposit("5.00"), offset=1)
    AGAIN = received(a_deposit("5"), offset=2, partition=3)
    OTHER = received(a_deposit("6.00"), offset=3)

    def test_in_one_batch_move_the_money_once(self) -> None:
        decision = decided([self.FIRST, self.AGAIN], known(RICH))

        assert len(decision.changes.outcomes) == 1
        assert [repeats(answer) for answer in decision.answers] == [False, True]
        assert [answer.new for answer in decision.answers] == [True, False]
        assert decision.changes.accounts[0].balances["USD"].posted_minor == 10_500

    def test_of_a_recorded_command_are_answered_from_the_record(self) -> None:
        [outcome] = decided([self.FIRST], known(RICH)).changes.outcomes
        gathered = known(RICH, outcomes={outcome.id: outcome})

        decision = decided([self.FIRST, self.AGAIN], gathered)

        assert not decision.changes
        assert [answer.outcome for answer in decision.answers] == [outcome, outcome]
        assert [repeats(answer) for answer in decision.answers] == [False, True]
        assert not any(answer.new for answer in decision.answers)

    def test_of_a_refusal_get_the_same_refusal_however_rich_the_account_is_now(self) -> None:
        poor = an_account(posted_minor=1)
        command = received(a_withdrawal("5.00"))
        [outcome] = decided([command], known(poor)).changes.outcomes

        decision = decided([command], known(RICH, outcomes={outcome.id: outcome}))

        assert codes(decision) == [Code.INSUFFICIENT_FUNDS]
        assert not decision.changes

    def test_with_another_content_conflict_and_change_nothing(self) -> None:
        decision = decided([self.FIRST, self.OTHER], known(RICH))

        assert codes(decision) == [None, Code.COMMAND_ID_CONFLICT]
        assert len(decision.changes.outcomes) == 1
        assert decision.answers[1].outcome is None

    def test_as_another_command_conflict_too(self) -> None:
        commands = [received(a_deposit(command_id="x")), received(a_withdrawal(command_id="x"))]

        assert codes(decided(commands, known(RICH))) == [None, Code.COMMAND_ID_CONFLICT]


class TestParking:
    def test_keeps_the_command_and_all_later_ones_of_its_user_in_every_partition(self) -> None:
        bob = an_account("bobby", posted_minor=100)
        commands = [
            received(a_deposit("1.00", command_id="before"), at_ms=0),
            received(a_withdrawal("999.00"), at_ms=1000, partition=2, offset=1),
            received(a_withdrawal("1.00", command_id="behind"), at_ms=1001, partition=2, offset=2),
            received(a_deposit("1.00", command_id="late"), at_ms=9000, offset=5),
            received(an_update(first_name="A"), at_ms=9000, partition=7),
            received(a_withdrawal("1.00", "bobby")),
        ]

        decision = decided(commands, known(RICH, bob), nothing_read())

        assert ids([answer.received for answer in decision.answers]) == ["before", "w-1"]
        assert decision.answers[1].outcome is not None
        assert decision.answers[1].outcome.username == "bobby"
        assert sorted(ids(decision.parked)) == ["behind", "late", "u-1", "w-1"]
        assert (decision.questions, decision.provisional) == ({2}, True)
        assert decision.early == {commands[1].source: Code.INSUFFICIENT_FUNDS}

    def test_asks_nothing_where_nothing_would_be_refused(self) -> None:
        decision = decided([received(a_withdrawal("1.00"))], known(RICH), nothing_read())

        assert (codes(decision), decision.questions, decision.provisional) == ([None], set(), False)

    def test_refuses_once_the_ends_say_that_nothing_is_left(self) -> None:
        command = received(a_withdrawal("999.00"), partition=2)
        ours = {(topic, 2): PartitionPosition(cursor=5) for topic in TOPICS}
        reading = replace(nothing_read(), ours=ours)

        before = decided([command], known(RICH), reading)
        after = decided([command], known(RICH), replace(reading, asked={2: FIVE}))

        assert (ids(before.parked), codes(before)) == (["w-1"], [])
        assert (ids(after.parked), codes(after)) == ([], [Code.INSUFFICIENT_FUNDS])

    def test_asks_no_second_time_while_what_was_asked_for_is_not_reached(self) -> None:
        command = received(a_withdrawal("999.00"), partition=2)

        decision = decided([command], known(RICH), replace(nothing_read(), asked={2: FIVE}))

        assert (ids(decision.parked), decision.questions) == (["w-1"], set())

    @pytest.mark.parametrize("code", [Code.USERNAME_TAKEN, Code.CURRENCY_UNSUPPORTED])
    def test_does_not_wait_with_what_no_command_of_the_user_could_lift(self, code: Code) -> None:
        command = a_registration() if code is Code.USERNAME_TAKEN else a_deposit(currency="XYZ")

        decision = decided([received(command)], known(RICH), nothing_read())

        assert (codes(decision), list(decision.parked)) == ([code], [])


class TestWindow:
    """A refusal first gives way to the user's other commands that count as ties."""

    @pytest.mark.parametrize(
        ("later_ms", "withdrawn"),
        [(199, None), (200, None), (201, Code.INSUFFICIENT_FUNDS)],
    )
    def test_decides_a_deposit_within_the_skew_first(
        self, later_ms: int, withdrawn: Code | None
    ) -> None:
        commands = [
            received(a_withdrawal("5.00"), at_ms=1000),
            received(a_deposit("5.00"), at_ms=1000 + later_ms),
        ]

        decision = decided(commands, known(an_account(posted_minor=0)))

        said = {a.received.type: a.outcome.code for a in decision.answers if a.outcome}
        assert said == {"deposit": None, "withdraw": withdrawn}

    def test_decides_a_withdrawal_that_makes_room_before_a_deposit_too_large(self) -> None:
        full = an_account(posted_minor=AMOUNT_MINOR_MAX)
        commands = [
            received(a_deposit("1.00"), at_ms=1000),
            received(a_withdrawal("1.00"), at_ms=1100),
        ]

        decision = decided(commands, known(full))

        assert [a.received.type for a in decision.answers] == ["withdraw", "deposit"]
        assert codes(decision) == [None, None]

    def test_refuses_the_earliest_first_where_all_would_be(self) -> None:
        commands = [received(a_deposit(), at_ms=1100), received(a_withdrawal(), at_ms=1000)]

        decision = decided(commands, known())

        assert [a.received.type for a in decision.answers] == ["withdraw", "deposit"]
        assert codes(decision) == [Code.UNKNOWN_ACCOUNT] * 2

    def test_refuses_each_for_its_own_reason(self) -> None:
        nearly_full = known(an_account(posted_minor=AMOUNT_MINOR_MAX - 50))
        first = received(a_deposit("1.00"), at_ms=1000)
        commands = [first, received(a_withdrawal(to_amount(AMOUNT_MINOR_MAX, 2)), at_ms=1100)]

        final = decided(commands, nearly_full)
        early = decided(commands, nearly_full, nothing_read())

        assert codes(final) == [Code.BALANCE_TOO_LARGE, Code.INSUFFICIENT_FUNDS]
        assert early.early == {first.source: Code.BALANCE_TOO_LARGE}
