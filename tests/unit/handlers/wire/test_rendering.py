"""P5: the same outcome is the same bytes for ever, and the contract reads every one of them.

P13: what an entry posts comes to zero. P18: each carries the hash of the one before.
"""

import hashlib
import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.codes import Code
from contracts.entries import Entry
from contracts.events import AuditRecorded, BalanceChangedV1, Balances
from contracts.headers import CE_ID
from contracts.money import AMOUNT_MINOR_MAX, SIGNED_AMOUNT_PATTERN
from contracts.problems import Problem, field_error
from contracts.results import Result
from handlers.model.account import Balance
from handlers.model.outcome import SCHEMA, UNCHAINED, LedgerEntry, Outcome, Trace
from handlers.wire.rendering import OF_COMMANDS, Record, Rendering, balances, error_body
from tests.builders import NOON, a_chain, an_account, an_entry, an_outcome

TRACED = Trace(correlation_id="order-7", traceparent="00-a-b-01", tracestate="a=b")
FULL = an_outcome(
    sequence=3,
    trace=TRACED,
    actor="shop",
    reason="why",
    related_id="order",
    metadata=(("b", "2"), ("a", "1")),
)
OUTCOMES = {
    "accepted": an_outcome(sequence=1),
    "everything said": FULL,
    "withdrawn": an_outcome(
        sequence=2, type="withdraw", entry=an_entry(2, before_minor=1500, after_minor=500)
    ),
    "registered": an_outcome(),
    "changed": an_outcome(type="update-profile", detail="changed email"),
    "refused": an_outcome(type="withdraw", code=Code.INSUFFICIENT_FUNDS, detail="too little"),
    "nobody": an_outcome(account_id=None, code=Code.UNKNOWN_ACCOUNT, detail="no account"),
}


def said(record: Record) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers}


@pytest.fixture(params=OUTCOMES)
def outcome(request: pytest.FixtureRequest) -> Outcome:
    return OUTCOMES[request.param]


class TestRendering:
    def test_says_the_same_bytes_however_often(self, outcome: Outcome) -> None:
        copy = replace(outcome)
        one, other = Rendering(outcome), Rendering(copy)

        assert one.result(duplicate=False) == other.result(duplicate=False)
        assert one.audit_event() == other.audit_event()
        if outcome.entry is not None:
            assert one.balance_event() == one.balance_event() == other.balance_event()

    def test_answers_as_the_contract_says(self, outcome: Outcome) -> None:
        for duplicate in (False, True):
            result = Result.model_validate_json(
                Rendering(outcome).result(duplicate=duplicate).value
            )

            assert (result.status == "accepted") is (outcome.code is None)
            assert (result.duplicate, result.command_id) == (duplicate, outcome.command_id)
            assert (result.entry is None) is (outcome.entry is None)
            assert (result.error.code if result.error else None) == outcome.code

    def test_is_audited_as_the_contract_says(self, outcome: Outcome) -> None:
        event = AuditRecorded.model_validate_json(Rendering(outcome).audit_event().value)

        assert (event.action, event.code, event.actor) == (
            outcome.type,
            outcome.code,
            outcome.actor,
        )
        assert event.event_id == f"{outcome.id}:audit"

    def test_tells_the_entry_as_the_contract_says(self) -> None:
        entry = Entry.model_validate_json(Rendering(FULL).balance_event().value)

        assert (entry.event_id, entry.sequence) == ("id-of-alice:3", 3)
        assert [(one.account, one.amount, one.currency) for one in entry.postings] == [
            ("alice", "10.00", "USD"),
            ("house:external", "-10.00", "USD"),
        ]
        assert entry.balances["USD"].model_dump() == {
            "posted": "10.00",
            "held": "0.00",
            "overdraft": "0.00",
            "available": "10.00",
        }
        assert (entry.metadata, entry.reason) == ({"a": "1", "b": "2"}, "why")
        assert (entry.kind, entry.related_id) == ("deposited", "order")

    def test_says_an_entry_in_the_same_bytes_everywhere(self) -> None:
        rendering = Rendering(FULL)

        event = rendering.balance_event().value

        assert b'"entry":' + event in rendering.result(duplicate=False).value
        assert rendering.entry == event

    def test_leaves_out_what_was_not_said(self) -> None:
        body = orjson.loads(Rendering(OUTCOMES["accepted"]).balance_event().value)

        assert not {"metadata", "reason", "related_id"} & body.keys()

    def test_carries_the_trace_of_the_command_and_of_the_repeat_that_asks(self) -> None:
        rendering = Rendering(FULL)

        first = said(rendering.result(duplicate=False))
        again = said(rendering.result(duplicate=True, trace=Trace(correlation_id="again")))

        assert (first["correlation_id"], first["traceparent"]) == ("order-7", "00-a-b-01")
        assert (again["correlation_id"], "traceparent" in again) == ("again", False)
        assert first["causation_id"] == again["causation_id"] == FULL.command_id
        assert said(rendering.balance_event())["correlation_id"] == "order-7"

    def test_is_a_cloud_event(self, outcome: Outcome) -> None:
        headers = said(Rendering(outcome).audit_event())

        assert headers["ce_time"] == "2030-01-01T12:00:00.123Z"
        assert (headers["ce_specversion"], headers["ce_source"]) == ("1.0", "/accounts")
        assert headers["ce_type"] == "accounts.audit-recorded.v1"
        assert (headers["ce_subject"], headers["content-type"]) == ("alice", "application/json")

    @pytest.mark.parametrize("schema", [0, SCHEMA + 1])
    def test_refuses_an_outcome_of_a_schema_it_does_not_know(self, schema: int) -> None:
        with pytest.raises(AssertionError):
            Rendering(replace(OUTCOMES["refused"], schema=schema))


class TestTheChain:
    def test_can_be_followed_by_whoever_has_the_bytes(self) -> None:
        first, second = a_chain(an_outcome(sequence=1), replace(FULL, entry=an_entry(2)))
        values = [Rendering(one).balance_event().value for one in (first, second)]

        for value in values:
            begun, _, stated = value.rpartition(b',"hash":"')
            assert hashlib.sha256(begun).hexdigest().encode() == stated.removesuffix(b'"}')
        said = [orjson.loads(value) for value in values]
        assert said[0]["previous_hash"] == hashlib.sha256(b"id-of-alice\n0").hexdigest()
        assert said[1]["previous_hash"] == said[0]["hash"]

    @pytest.mark.parametrize(
        "changed",
        [
            {"decided_at": NOON + timedelta(milliseconds=1)},
            {"command_id": "another"},
            {"reason": "another"},
            {"metadata": (("b", "2"), ("a", "2"))},
            {"entry": an_entry(3, before_minor=1, after_minor=1001)},
            {"entry": an_entry(3, previous_hash=bytes(32))},
        ],
        ids=["time", "command", "reason", "metadata", "balance", "history"],
    )
    def test_shows_whatever_was_changed(self, changed: dict[str, Any]) -> None:
        assert Rendering(replace(FULL, **changed)).entry_hash != Rendering(FULL).entry_hash

    def test_of_an_account_of_before_starts_at_what_it_had(self) -> None:
        old = an_account(posted_minor=1050, sequence=4)

        assert old.chain_head == hashlib.sha256(b"id-of-alice\n4\nUSD 10.50").digest()


class TestAnOutcomeOfBefore:
    OLD = replace(FULL, schema=UNCHAINED, entry=an_entry(3, previous_hash=None))

    def test_is_said_to_subscribers_as_it_was_said_then(self) -> None:
        event = Rendering(self.OLD).balance_event()

        read = BalanceChangedV1.model_validate_json(event.value)
        assert (read.amount, read.before, read.after, read.held) == (
            "10.00",
            "0.00",
            "10.00",
            "0.00",
        )
        assert said(event)["ce_type"] == "accounts.balance-changed.v1"

    def test_is_answered_as_today_without_a_hash(self) -> None:
        result = Result.model_validate_json(Rendering(self.OLD).result(duplicate=True).value)

        assert result.entry is not None
        assert (result.entry.hash, result.entry.previous_hash) == (None, None)
        assert result.entry.balances["USD"].posted == "10.00"

    @pytest.mark.parametrize(
        ("before_minor", "after_minor", "amounts"),
        [(500, 1500, ["10.00", "-10.00"]), (1500, 500, ["-10.00", "10.00"])],
    )
    def test_is_read_as_an_entry(
        self, before_minor: int, after_minor: int, amounts: list[str]
    ) -> None:
        moved = an_entry(3, before_minor=before_minor, after_minor=after_minor, previous_hash=None)
        rendering = Rendering(replace(self.OLD, entry=moved))

        read = BalanceChangedV1.model_validate_json(rendering.balance_event().value).entry()

        assert [one.amount for one in read.postings] == amounts
        said_today = Entry.model_validate_json(rendering.entry or b"")
        without = {"balances": {"USD": {"overdraft"}}}
        assert read.model_dump(exclude=without) == said_today.model_dump(exclude=without)


@given(
    st.lists(st.integers(0, AMOUNT_MINOR_MAX), min_size=2, max_size=2, unique=True),
    st.sampled_from([0, 2, 3, 8, 18]),
)
def test_amounts_are_decimal_strings_with_all_their_decimals(ends: list[int], scale: int) -> None:
    before, largest = sorted(ends)
    amount = largest - before
    entry = LedgerEntry(
        sequence=1,
        currency="USD",
        scale=scale,
        amount_minor=amount,
        before_minor=before + amount,
        after_minor=before,
        held_minor=before // 2,
        previous_hash=bytes(32),
    )
    outcome = an_outcome(sequence=1, type="withdraw", entry=entry)

    said = orjson.loads(Rendering(outcome).balance_event().value)

    balance = said["balances"]["USD"]
    told = [
        *(one["amount"] for one in said["postings"]),
        *(balance[name] for name in ("posted", "held", "available")),
    ]
    minor = [-amount, amount, before, before // 2, before - before // 2]
    assert [int(each.replace(".", "")) for each in told] == minor
    assert all(len(each.partition(".")[2]) == scale for each in told)
    assert all(re.fullmatch(SIGNED_AMOUNT_PATTERN, each) for each in told)


class TestBalances:
    def test_are_the_state_as_the_contract_says(self) -> None:
        account = an_account(
            sequence=9,
            balances={
                "USD": Balance(posted_minor=1000, held_minor=250, scale=2),
                "JPY": Balance(posted_minor=7, scale=0),
            },
        )

        state = Balances.model_validate_json(balances(account).value)

        assert (state.sequence, state.account_id) == (9, "id-of-alice")
        usd, jpy = state.balances["USD"], state.balances["JPY"]
        assert (usd.posted, usd.held, usd.available) == ("10.00", "2.50", "7.50")
        assert (jpy.posted, jpy.held, jpy.available) == ("7", "0", "7")
        assert balances(account) == balances(replace(account))

    def test_of_an_account_that_was_written_again_are_another_message(self) -> None:
        """A change of the profile moves nothing, but the state bears another time."""
        account = an_account(version=4)

        ids = {
            dict(balances(each).headers)[CE_ID] for each in (account, replace(account, version=5))
        }

        assert len(ids) == 2


class TestRefusal:
    def test_is_an_answer_that_names_each_wrong_field(self) -> None:
        problems = [field_error("amount", Problem.WRONG_TYPE)]
        record = OF_COMMANDS.refusal(
            username="alice",
            identifier="c-1",
            name="deposit",
            error=error_body(Code.INVALID_COMMAND, "amount: wrong_type", problems),
            at=NOON,
            trace=TRACED,
        )

        result = Result.model_validate_json(record.value)

        assert result.error is not None
        assert (result.status, result.error.code) == ("rejected", Code.INVALID_COMMAND)
        assert result.error.type == "/accounts/errors#invalid_command"
        assert [error.field for error in result.error.errors] == ["amount"]
        assert said(record)["correlation_id"] == "order-7"
