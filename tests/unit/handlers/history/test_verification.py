"""P6: every balance can be computed again from its entries, and a difference is found (P2, P5)."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from handlers.history.discrepancy import Discrepancy, Violation
from handlers.history.verification import DISCREPANCIES_MAX, Recount, unknown_account
from handlers.model.account import Account, Balance, Profile
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import UNCHAINED, LedgerEntry, Outcome, Source, Trace
from handlers.wire.rendering import Rendering
from tests.builders import a_chain

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


def an_entry(sequence: int, before: int, after: int, currency: str = "USD") -> Outcome:
    return Outcome(
        username="alice",
        command_id=f"c{sequence}",
        type="deposit" if after > before else "withdraw",
        fingerprint=b"f",
        account_id="a-1",
        decided_at=NOON,
        source=Source(topic="t", partition=0, offset=sequence),
        trace=Trace(correlation_id="c"),
        entry=LedgerEntry(
            sequence=sequence,
            currency=currency,
            scale=2,
            amount_minor=abs(after - before),
            before_minor=before,
            after_minor=after,
            held_minor=0,
            previous_hash=bytes(32),
        ),
    )


def an_account(sequence: int, **posted_minor: int) -> Account:
    return Account(
        username="alice",
        account_id="a-1",
        profile=Profile(email="alice@example.com", first_name="Alice", last_name="A"),
        balances={code: Balance(posted_minor=it, scale=2) for code, it in posted_minor.items()},
        sequence=sequence,
        version=sequence + 1,
        writer="w",
        published_sequence=0,
        opened_at=NOON,
        changed_at=NOON,
    )


SOUND = a_chain(an_entry(1, 0, 500), an_entry(2, 0, 70, "EUR"), an_entry(3, 500, 200))
BEFORE = [
    replace(one, schema=UNCHAINED, entry=replace(one.entry, previous_hash=None))
    for one in SOUND
    if one.entry is not None
]
"""The same, decided before there were hashes."""
ACCOUNT = an_account(3, USD=200, EUR=70)


def verify(account: Account, entries: Iterable[Outcome | CorruptDocument]) -> list[Discrepancy]:
    recount = Recount(account)
    for outcome in entries:
        recount.add(outcome)
    return recount.finish()


def violations(account: Account, entries: list[Outcome]) -> list[Violation]:
    """Return what is found beside the hashes, which are right for each of *entries*."""
    return [found.violation for found in verify(account, a_chain(*entries))]


class TestVerify:
    def test_finds_nothing_in_a_sound_account(self) -> None:
        assert verify(ACCOUNT, SOUND) == []

    def test_finds_nothing_in_an_account_without_entries(self) -> None:
        assert verify(an_account(0), []) == []

    @pytest.mark.parametrize(
        ("account", "entries", "expected"),
        [
            (an_account(3, USD=201, EUR=70), SOUND, [Violation.WRONG_SUM]),
            (an_account(3, USD=200), SOUND, [Violation.WRONG_SUM]),
            (an_account(3, USD=200, EUR=70, JPY=1), SOUND, [Violation.WRONG_SUM]),
            (an_account(3, USD=200, EUR=70, JPY=0), SOUND, []),
            (an_account(4, USD=200, EUR=70), SOUND, [Violation.WRONG_SEQUENCE]),
            (an_account(2, USD=500, EUR=70), SOUND, [Violation.ENTRIES_AHEAD]),
            (ACCOUNT, [SOUND[0], SOUND[2]], [Violation.SEQUENCE_GAP, Violation.WRONG_SUM]),
            (
                ACCOUNT,
                [SOUND[0], SOUND[1], SOUND[1], SOUND[2]],
                [Violation.SEQUENCE_GAP, Violation.BROKEN_CHAIN, Violation.WRONG_SUM],
            ),
            (ACCOUNT, [*SOUND[:2], an_entry(3, 499, 200)], ["broken_chain", "wrong_sum"]),
            (ACCOUNT, [*SOUND[:2], replace(SOUND[2], type="deposit")], ["wrong_direction"]),
            (ACCOUNT, [replace(SOUND[0], type="withdraw"), *SOUND[1:]], ["wrong_direction"]),
            (ACCOUNT, [*BEFORE[:2], replace(BEFORE[2], type="capture")], []),
            (ACCOUNT, [*SOUND[:2], replace(SOUND[2], account_id="b")], ["wrong_account"]),
        ],
    )
    def test_finds_what_does_not_hold(
        self, account: Account, entries: list[Outcome], expected: list[Violation]
    ) -> None:
        assert violations(account, entries) == expected

    def test_finds_entries_in_other_minor_units(self) -> None:
        account = replace(ACCOUNT, balances={"USD": Balance(posted_minor=500, scale=3)}, sequence=1)

        assert violations(account, SOUND[:1]) == [Violation.WRONG_SCALE]

    def test_finds_entries_that_change_their_minor_units(self) -> None:
        entry = SOUND[2].entry
        assert entry is not None
        other = replace(SOUND[2], entry=replace(entry, scale=3))

        assert violations(ACCOUNT, [*SOUND[:2], other]) == [Violation.WRONG_SCALE]

    def test_finds_held_money_that_no_hold_explains(self) -> None:
        held = {**ACCOUNT.balances, "USD": Balance(posted_minor=200, held_minor=1, scale=2)}

        assert violations(replace(ACCOUNT, balances=held), SOUND) == ["held_without_hold"]

    def test_finds_an_entry_that_says_money_is_held(self) -> None:
        entry = SOUND[2].entry
        assert entry is not None
        held = replace(SOUND[2], entry=replace(entry, held_minor=1))

        assert violations(ACCOUNT, [*SOUND[:2], held]) == ["held_without_hold"]

    @pytest.mark.parametrize(
        ("opened_s", "entries_s", "changed_s", "expected"),
        [
            (0, (0, 0, 0), 0, []),
            (0, (1, 1, 2), 2, []),
            (0, (1, 1, 2), 9, []),
            (0, (1, 2, 1), 3, ["wrong_time"]),
            (2, (1, 2, 3), 3, ["wrong_time"]),
            (0, (1, 2, 3), 2, ["wrong_time"]),
            (9, (9, 9, 9), 8, ["wrong_time", "wrong_time"]),
        ],
    )
    def test_finds_times_that_go_back(
        self, opened_s: int, entries_s: tuple[int, ...], changed_s: int, expected: list[str]
    ) -> None:
        def at(seconds: int) -> datetime:
            return NOON + timedelta(seconds=seconds)

        account = replace(ACCOUNT, opened_at=at(opened_s), changed_at=at(changed_s))
        entries = [
            replace(one, decided_at=at(seconds))
            for one, seconds in zip(SOUND, entries_s, strict=True)
        ]

        assert violations(account, entries) == expected

    @pytest.mark.parametrize(
        ("version", "entries_s", "expected"),
        [
            (1, (0, 0, 0), []),  # opened and paid in by one write
            (2, (1, 1, 1), []),
            (1, (1, 1, 1), ["wrong_version"]),
            (3, (1, 1, 2), []),
            (2, (1, 1, 2), ["wrong_version"]),
            (4, (1, 2, 3), []),
            (3, (1, 2, 3), ["wrong_version"]),
        ],
    )
    def test_finds_a_version_below_the_writes_that_the_entries_took(
        self, version: int, entries_s: tuple[int, ...], expected: list[str]
    ) -> None:
        last_at = NOON + timedelta(seconds=entries_s[-1])
        account = replace(ACCOUNT, version=version, changed_at=last_at)
        entries = [
            replace(one, decided_at=NOON + timedelta(seconds=seconds))
            for one, seconds in zip(SOUND, entries_s, strict=True)
        ]

        assert violations(account, entries) == expected

    @pytest.mark.parametrize("place", [0, 1, 2])
    def test_says_which_entry_is_corrupt_and_nothing_that_hangs_on_it(self, place: int) -> None:
        entries: list[Outcome | CorruptDocument] = [*SOUND]
        entries[place] = CorruptDocument(
            collection="outcomes", id="alice:c2", username="alice", field="entry.scale"
        )

        [found] = verify(ACCOUNT, entries)

        assert found.violation is Violation.CORRUPT_DOCUMENT
        assert found.detail == "outcomes alice:c2: entry.scale is missing or wrong"

    def test_still_finds_a_gap_beside_a_corrupt_entry(self) -> None:
        corrupt = CorruptDocument(collection="outcomes", id="x", username="alice", field="code")

        found = [one.violation for one in verify(ACCOUNT, [corrupt, SOUND[2]])]

        assert found == ["sequence_gap", "corrupt_document"]

    def test_reports_a_bounded_number_without_naming_the_person(self) -> None:
        broken = [an_entry(number, 7, 8) for number in range(1, 100)]

        found = verify(an_account(99, USD=99), broken)

        assert len(found) == DISCREPANCIES_MAX
        assert all("alice" not in one.detail for one in found)
        assert found[0].account_id == "a-1"

    def test_names_an_entry_without_account(self) -> None:
        assert unknown_account(SOUND[0]).violation is Violation.UNKNOWN_ACCOUNT

    @given(st.lists(st.integers(-50, 50).filter(bool), min_size=1), st.data())
    def test_finds_any_entry_that_is_left_out(self, moves: list[int], data: st.DataObject) -> None:
        posted, entries = 0, list[Outcome]()
        for move in moves:
            if posted + move >= 0:
                entries.append(an_entry(len(entries) + 1, posted, posted + move))
                posted += move
        account, entries = an_account(len(entries), USD=posted), a_chain(*entries)
        assert verify(account, entries) == []

        if entries:
            entries.pop(data.draw(st.integers(0, len(entries) - 1)))

            assert verify(account, entries) != []


class TestTheChain:
    """P18."""

    HEADED = replace(ACCOUNT, head=Rendering(SOUND[2]).entry_hash)

    def test_is_sound_from_the_first_entry_to_the_account(self) -> None:
        assert verify(self.HEADED, SOUND) == []

    @pytest.mark.parametrize("place", [0, 1, 2])
    @pytest.mark.parametrize("changed", [{"reason": "forged"}, {"command_id": "other"}])
    def test_shows_an_entry_that_was_changed(self, place: int, changed: dict[str, Any]) -> None:
        entries: list[Outcome | CorruptDocument] = [*SOUND]
        entries[place] = replace(SOUND[place], **changed)

        assert [one.violation for one in verify(self.HEADED, entries)] == [Violation.WRONG_HASH]

    def test_shows_an_entry_in_anothers_place(self) -> None:
        forged = an_entry(2, 0, 70, "EUR")

        found = verify(self.HEADED, [SOUND[0], forged, SOUND[2]])

        assert {one.violation for one in found} == {Violation.WRONG_HASH}

    def test_goes_on_where_there_was_none_before(self) -> None:
        head = an_account(2, USD=500, EUR=70).chain_head
        assert SOUND[2].entry is not None
        third = replace(SOUND[2], entry=replace(SOUND[2].entry, previous_hash=head))

        account = replace(ACCOUNT, head=Rendering(third).entry_hash)

        assert verify(account, [*BEFORE[:2], third]) == []
        assert verify(ACCOUNT, BEFORE) == []
        began_at_the_account = replace(ACCOUNT, head=ACCOUNT.chain_head)
        assert verify(began_at_the_account, BEFORE) == []

    def test_never_ends(self) -> None:
        found = verify(ACCOUNT, [SOUND[0], BEFORE[1], BEFORE[2]])

        assert {one.violation for one in found} == {Violation.WRONG_HASH}
