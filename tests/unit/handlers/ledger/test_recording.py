"""Who marks an account, and how far its events are known to be published (P5)."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from contracts.codes import Code
from handlers.ledger.recording import Conclusion, WriterMark, conclude, stamped
from handlers.model.account import NOT_BOOKED, Account, Balance, Profile
from handlers.model.changes import Owners
from handlers.model.input_records import CommandRecord
from handlers.model.outcome import LedgerEntry, Trace
from handlers.model.unpublished import EntryRange, owed_range, taken_over
from tests.builders import NOON, an_account
from tests.received import RULES, a_deposit, a_withdrawal, an_update, received

ME, OTHER = "me", "another"


def decided(account: Account | None, command: CommandRecord) -> Conclusion:
    concluded = conclude(account, command, Owners(), rules=RULES, now=NOON)
    assert isinstance(concluded, Conclusion)
    return concluded


class TestStamped:
    @pytest.mark.parametrize(
        ("writer", "unacknowledged", "published"),
        [
            (OTHER, None, 3),  # not me: what it owes is published before mine
            (OTHER, 6, 3),
            (ME, None, 5),  # me, and all but this cycle is acknowledged
            (ME, 5, 4),
            (ME, 4, 3),
            (ME, 1, 0),
        ],
    )
    def test_claims_no_event_that_may_be_missing(
        self, writer: str, unacknowledged: int | None, published: int
    ) -> None:
        before = an_account(sequence=5, published_sequence=3, writer=writer, version=9)
        after = replace(before, sequence=7)
        lowest = {} if unacknowledged is None else {"alice": unacknowledged}

        account = stamped(before, after, WriterMark(writer=ME, unacknowledged=lowest))

        assert (account.writer, account.version) == (ME, 10)
        assert account.published_sequence == published

    @pytest.mark.parametrize(("unacknowledged", "published"), [(None, 5), (5, 4)])
    def test_claims_all_where_nothing_moved_and_nothing_is_on_its_way(
        self, unacknowledged: int | None, published: int
    ) -> None:
        before = an_account(sequence=5, published_sequence=3, writer=ME)
        lowest = {} if unacknowledged is None else {"alice": unacknowledged}

        account = stamped(before, before, WriterMark(writer=ME, unacknowledged=lowest))

        assert account.published_sequence == published

    def test_minds_the_events_of_this_account_only(self) -> None:
        before = an_account(sequence=5, published_sequence=3, writer=ME)

        account = stamped(before, before, WriterMark(writer=ME, unacknowledged={"bobby": 2}))

        assert account.published_sequence == 5

    @pytest.mark.parametrize(
        ("acknowledged", "published"),
        [(None, 3), (2, 3), (4, 4), (5, 5), (9, 5)],  # 9: MongoDB was restored to an older copy
    )
    def test_says_of_anothers_account_only_what_we_saw_acknowledged(
        self, acknowledged: int | None, published: int
    ) -> None:
        before = an_account(sequence=5, published_sequence=3, writer=OTHER)
        after = replace(before, sequence=6)
        known = {} if acknowledged is None else {"alice": acknowledged}

        stamp = WriterMark(writer=ME, unacknowledged={}, acknowledged=known)

        assert stamped(before, after, stamp).published_sequence == published

    def test_starts_a_new_account_at_nothing(self) -> None:
        new = an_account(version=0, sequence=2, writer="")

        account = stamped(None, new, WriterMark(writer=ME, unacknowledged={}))

        assert (account.version, account.published_sequence) == (1, 0)

    def test_changes_nothing_else(self) -> None:
        before = an_account(posted_minor=7, sequence=5, writer=ME, head=bytes(32))

        account = stamped(before, before, WriterMark(writer=ME, unacknowledged={}))

        mark = {"version": 1, "writer": ME, "published_sequence": 0}
        assert replace(account, **mark) == replace(before, **mark)

    def test_begins_the_chain_of_an_account_of_before(self) -> None:
        before = an_account(posted_minor=7, sequence=5)

        account = stamped(before, before, WriterMark(writer=ME, unacknowledged={}))

        assert account.head == before.chain_head == account.chain_head


class TestOwedRange:
    @pytest.mark.parametrize(
        ("writer", "published", "owed"),
        [
            (OTHER, 3, EntryRange(username="alice", after=3, up_to=5)),
            (OTHER, 0, EntryRange(username="alice", after=0, up_to=5)),
            (OTHER, 5, None),
            (ME, 3, None),
        ],
    )
    def test_is_what_another_writer_may_not_have_published(
        self, writer: str, published: int, owed: EntryRange | None
    ) -> None:
        account = an_account(sequence=5, published_sequence=published, writer=writer)

        assert owed_range(account, ME) == owed

    @pytest.mark.parametrize(("said", "after"), [(0, 3), (2, 3), (4, 4)])
    def test_leaves_out_what_we_have_said_ourselves(self, said: int, after: int) -> None:
        account = an_account(sequence=5, published_sequence=3, writer=OTHER)

        owed = owed_range(account, ME, said=said)

        assert owed == EntryRange(username="alice", after=after, up_to=5)
        assert owed_range(account, ME, said=5) is None
        assert owed_range(account, ME, said=9) is None


class TestTakenOver:
    def test_owes_nothing_of_who_signed_off_and_leaves_the_others(self) -> None:
        clean = an_account(sequence=5, published_sequence=3, writer=OTHER)
        killed = an_account("bobby", sequence=5, published_sequence=3, writer="killed")

        accounts = taken_over({"alice": clean, "bobby": killed}, {OTHER}, ME)

        assert accounts["alice"] == replace(clean, writer=ME, published_sequence=5)
        assert accounts["bobby"] is killed
        assert owed_range(accounts["alice"], ME) is None
        assert owed_range(accounts["bobby"], ME) is not None


class TestConclude:
    def test_leaves_all_of_an_account_that_a_movement_does_not_touch(self) -> None:
        """Written out field by field, so that a forgotten one would take its default."""
        profile = Profile(
            email="e@example.com", first_name="f", last_name="l", phone="+14155550123"
        )
        before = an_account(
            posted_minor=100,
            profile=profile,
            sequence=7,
            version=9,
            writer="w",
            published_sequence=5,
            opened_at=NOON - timedelta(days=1),
            books=NOT_BOOKED,
        )

        found = conclude(before, received(a_deposit("1.00")), Owners(), rules=RULES, now=NOON)

        assert isinstance(found, Conclusion)
        balances = {"USD": Balance(posted_minor=200, scale=2)}
        head = found.rendering.entry_hash
        assert found.account == replace(
            before, balances=balances, sequence=8, changed_at=NOON, head=head
        )

    AHEAD = NOON + timedelta(minutes=10)
    """What another worker's fast clock left in the account."""

    @pytest.mark.parametrize(
        ("expires_in_s", "code"), [(1, None), (0, None), (-1, Code.EXPIRED), (599, None)]
    )
    def test_a_faster_clock_elsewhere_makes_no_command_expire(
        self, expires_in_s: int, code: Code | None
    ) -> None:
        """Only decided_at is kept from going back; whether it came in time says our own clock."""
        account = an_account(posted_minor=1000, changed_at=self.AHEAD)
        command = a_withdrawal("1.00", expires_at=NOON + timedelta(seconds=expires_in_s))

        concluded = decided(account, received(command))

        assert concluded.outcome.code is code
        assert concluded.outcome.decided_at == self.AHEAD
        assert concluded.account is not None
        assert concluded.account.changed_at == self.AHEAD

    def test_our_own_clock_counts_where_it_is_ahead(self) -> None:
        account = an_account(posted_minor=1000, changed_at=NOON - timedelta(minutes=10))
        command = a_withdrawal("1.00", expires_at=NOON - timedelta(minutes=5))

        concluded = decided(account, received(command))

        assert (concluded.outcome.code, concluded.outcome.decided_at) == (Code.EXPIRED, NOON)

    def test_records_the_entry_and_all_that_the_sender_said_of_it(self) -> None:
        command = a_deposit("5.00", reason="why", related_id="order", metadata={"a": "b"})
        read = received(command, actor="shop", trace=Trace(correlation_id="c"), offset=7)

        concluded = decided(an_account(posted_minor=100, sequence=4), read)

        outcome, account = concluded.outcome, concluded.account
        assert outcome.entry is not None
        assert (outcome.entry.sequence, outcome.entry.after_minor) == (5, 600)
        assert (outcome.reason, outcome.related_id) == ("why", "order")
        assert (outcome.metadata, outcome.actor) == ((("a", "b"),), "shop")
        assert (outcome.source, outcome.fingerprint) == (read.source, read.fingerprint)
        assert account is not None
        assert (account.sequence, account.balances["USD"].posted_minor) == (5, 600)
        assert account.changed_at == NOON

    @pytest.mark.parametrize(
        ("currency", "scale", "amount", "amount_minor"),
        [("USD", 2, "5.00", 500), ("JPY", 0, "500", 500), ("KWD", 3, "0.500", 500)],
    )
    @pytest.mark.parametrize("sign", [1, -1])
    def test_records_which_currency_moved_from_what_to_what(
        self, currency: str, scale: int, amount: str, amount_minor: int, *, sign: int
    ) -> None:
        """The entry is the truth: balances are added up from it, per currency."""
        balances = {
            "BTC": Balance(posted_minor=7, scale=8),
            currency: Balance(posted_minor=900, scale=scale, held_minor=30),
        }
        command = (a_deposit if sign > 0 else a_withdrawal)(amount, currency=currency)
        account = an_account(balances=balances, sequence=4)

        concluded = decided(account, received(command))

        assert concluded.outcome.entry == LedgerEntry(
            sequence=5,
            currency=currency,
            scale=scale,
            amount_minor=amount_minor,
            before_minor=900,
            after_minor=900 + sign * amount_minor,
            held_minor=30,
            previous_hash=account.chain_head,
        )
        assert concluded.account is not None
        assert concluded.account.head == concluded.rendering.entry_hash

    def test_leaves_the_account_alone_where_the_command_is_refused(self) -> None:
        account = an_account(posted_minor=100, sequence=4)

        concluded = decided(account, received(a_withdrawal("9")))

        assert concluded.account is account
        assert concluded.outcome.code is Code.INSUFFICIENT_FUNDS
        assert concluded.outcome.entry is None

    def test_records_which_fields_of_a_profile_changed_and_never_what(self) -> None:
        read = received(an_update(first_name="Secretive", phone=None))

        concluded = decided(an_account(), read)

        assert concluded.outcome.detail == "changed first_name, phone"
        assert "Secretive" not in repr(concluded.outcome)

    @pytest.mark.parametrize("back_ms", [-1, 0, 1, 60_000])
    def test_never_lets_the_time_of_an_account_go_back(self, back_ms: int) -> None:
        account = an_account(changed_at=NOON + timedelta(milliseconds=back_ms))

        concluded = decided(account, received(a_deposit()))

        assert concluded.outcome.decided_at == max(NOON, account.changed_at)
        assert concluded.account is not None
        assert concluded.account.changed_at == concluded.outcome.decided_at
