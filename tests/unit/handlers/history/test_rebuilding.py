"""An account is built anew from what is recorded of it, or not at all."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from handlers.history.entries import Entries
from handlers.history.rebuilding import CannotRebuild, Evidence, Rebuilt, Remains, claims, rebuild
from handlers.model.account import BOOKED, NOT_BOOKED, Account, Balance
from handlers.model.changes import EmailClaim
from handlers.model.outcome import Outcome
from handlers.wire.rendering import Rendering
from tests.builders import NOON, a_chain, an_account, an_entry, an_outcome

HISTORY = a_chain(
    an_outcome(sequence=1),
    an_outcome(sequence=2, entry=an_entry(2, currency="EUR", amount_minor=70, after_minor=70)),
    an_outcome(
        sequence=3,
        type="withdraw",
        decided_at=NOON + timedelta(seconds=5),
        entry=an_entry(3, amount_minor=300, before_minor=1000, after_minor=700),
    ),
)
SOUND = an_account(
    balances={"USD": Balance(posted_minor=700, scale=2), "EUR": Balance(posted_minor=70, scale=2)},
    sequence=3,
    published_sequence=2,
    version=3,
    changed_at=NOON + timedelta(seconds=5),
    head=Rendering(HISTORY[-1]).entry_hash,
)
REGISTERED = an_outcome(command_id="registration")


def remains_of(account: Account, *damaged: str, **changed: Any) -> Remains:
    """Return what can be read of *account*, all but the fields *damaged*."""
    profile = {name: it for name, it in asdict(account.profile).items() if it is not None}
    names = ("account_id", "sequence", "version", "published_sequence", "opened_at", "changed_at")
    read = {
        name: getattr(account, name)
        for name in (*names, "balances", "signs_in", "head", "books", "claim_digest")
    }
    for each in damaged:
        read.pop(each, None)
        profile.pop(each.removeprefix("profile."), None)
    return replace(
        Remains(is_there=True, profile=profile, damaged=frozenset(damaged), **read), **changed
    )


def evidence(remains: Remains, history: Sequence[Outcome] = HISTORY, **changed: Any) -> Evidence:
    entries = Entries()
    for outcome in history:
        assert [*entries.add(outcome)] == []
    found = Evidence(
        username="alice",
        remains=remains,
        entries=entries,
        decisions=[REGISTERED],
        claims=["alice@example.com"],
    )
    return replace(found, **changed)


def rebuilt(remains: Remains, **changed: Any) -> Rebuilt:
    found = rebuild(evidence(remains, **changed), writer="repair-1")
    assert isinstance(found, Rebuilt)
    return found


def shown(found: Rebuilt) -> list[tuple[str, str, str]]:
    return [(one.field, one.was, one.becomes) for one in found.changes]


def but_the_mark(account: Account) -> Account:
    return replace(account, version=0, writer="", published_sequence=0)


class TestRebuild:
    def test_changes_nothing_of_a_sound_account_but_the_mark(self) -> None:
        found = rebuilt(remains_of(SOUND))

        assert found.changes == []
        assert found.account == replace(SOUND, version=4, writer="repair-1")

    def test_takes_back_a_balance_that_was_raised(self) -> None:
        """P6."""
        raised = {**SOUND.balances, "USD": Balance(posted_minor=1_000_000, scale=2)}

        found = rebuilt(remains_of(replace(SOUND, balances=raised)))

        assert found.account.balances == SOUND.balances
        assert shown(found) == [("balances.USD", "10000.00", "7.00")]

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"sequence": 9}, "sequence"),
            ({"sequence": 2}, "sequence"),
            ({"account_id": "another"}, "account_id"),
            ({"opened_at": NOON + timedelta(days=1)}, "opened_at"),
            ({"changed_at": NOON}, "changed_at"),
            ({"changed_at": NOON + timedelta(days=400)}, "changed_at"),
            ({"balances": {}}, "balances.EUR"),
            (
                {"balances": {**SOUND.balances, "JPY": Balance(posted_minor=5, scale=0)}},
                "balances.JPY",
            ),
            (
                {
                    "balances": {
                        **SOUND.balances,
                        "USD": Balance(posted_minor=700, held_minor=1, scale=2),
                    }
                },
                "balances.USD",
            ),
            (
                {"balances": {**SOUND.balances, "USD": Balance(posted_minor=700, scale=3)}},
                "balances.USD",
            ),
            ({"version": 1}, "version"),
        ],
    )
    def test_mends_each_field_from_what_is_recorded(
        self, wrong: dict[str, Any], field: str
    ) -> None:
        found = rebuilt(replace(remains_of(SOUND), **wrong))

        assert but_the_mark(found.account) == but_the_mark(SOUND)
        assert field in [name for name, _, _ in shown(found)]

    def test_leaves_an_account_off_the_books_that_is_not_on_them(self) -> None:
        found = rebuilt(remains_of(replace(SOUND, books=NOT_BOOKED), sequence=2))

        assert found.account.books == NOT_BOOKED

    def test_takes_one_for_on_the_books_where_that_cannot_be_read(self) -> None:
        found = rebuilt(remains_of(SOUND, "books"))

        assert found.account.books == BOOKED
        assert shown(found) == [("books", "unreadable", "2")]

    def test_never_goes_below_a_version_that_workers_have_read(self) -> None:
        assert rebuilt(remains_of(SOUND, version=41)).account.version == 42

    @pytest.mark.parametrize(("marked", "kept"), [(2, 2), (0, 0), (3, 3), (4, 0), (None, 0)])
    def test_keeps_a_mark_of_published_events_that_can_be_true(
        self, marked: int | None, kept: int
    ) -> None:
        found = rebuilt(remains_of(SOUND, published_sequence=marked))

        assert found.account.published_sequence == kept

    @pytest.mark.parametrize(
        "damaged",
        [
            *("account_id", "sequence", "version", "published_sequence"),
            *("opened_at", "changed_at", "balances"),
        ],
    )
    def test_rebuilds_any_field_that_cannot_be_read(self, damaged: str) -> None:
        found = rebuilt(remains_of(SOUND, damaged))

        assert but_the_mark(found.account) == but_the_mark(SOUND)
        assert (damaged, "unreadable") in [(name, was) for name, was, _ in shown(found)]

    def test_rebuilds_where_a_field_without_a_meaning_of_its_own_is_damaged(self) -> None:
        found = rebuilt(remains_of(SOUND, "writer"))

        assert shown(found) == [("writer", "unreadable", "rebuilt")]

    def test_takes_the_address_from_its_claim(self) -> None:
        found = rebuilt(remains_of(SOUND, "profile.email"))

        assert found.account.profile == SOUND.profile
        assert shown(found) == [("profile.email", "unreadable", "from its claim")]

    def test_says_what_of_the_profile_is_lost(self) -> None:
        born = replace(SOUND.profile, date_of_birth=date(1990, 2, 28))
        remains = remains_of(replace(SOUND, profile=born), "profile.date_of_birth")

        found = rebuilt(remains)

        assert found.account.profile == SOUND.profile
        assert found.lost == ["date_of_birth"]

    def test_asks_for_a_name_that_stands_nowhere_else(self) -> None:
        remains = remains_of(SOUND, "profile.first_name")

        found = rebuild(evidence(remains), writer="w")
        answered = rebuilt(remains, given={"first_name": "Given"})

        assert found == CannotRebuild(
            reasons=["first_name of its profile stand nowhere else: give --first-name"]
        )
        assert answered.account.profile == SOUND.profile

    def test_never_takes_what_is_given_over_what_can_be_read(self) -> None:
        found = rebuilt(remains_of(SOUND), given={"first_name": "Mallory"})

        assert found.account.profile == SOUND.profile

    def test_rebuilds_an_account_that_is_gone(self) -> None:
        names = {"first_name": "Given", "last_name": "Family"}

        found = rebuilt(Remains(is_there=False), given=names)

        assert but_the_mark(found.account) == but_the_mark(SOUND)
        assert shown(found) == [("account", "missing", "sequence 3")]

    def test_knows_nothing_of_an_account_that_never_was(self) -> None:
        nothing = evidence(Remains(is_there=False), history=[], decisions=[])

        assert rebuild(nothing, writer="w") is None

    def test_does_not_choose_between_accounts(self) -> None:
        other = replace(REGISTERED, account_id="another")

        found = rebuild(evidence(remains_of(SOUND), decisions=[other]), writer="w")

        assert isinstance(found, CannotRebuild)

    def test_changed_when_the_profile_last_did(self) -> None:
        later = NOON + timedelta(hours=1)
        changed = an_outcome(command_id="p", type="update-profile", decided_at=later)

        found = rebuilt(remains_of(SOUND), decisions=[REGISTERED, changed])

        assert found.account.changed_at == later

    @given(st.lists(st.integers(-50, 50).filter(bool), min_size=1))
    def test_comes_to_what_the_entries_add_up_to(self, moves: list[int]) -> None:
        posted, history = 0, list[Outcome]()
        for move in moves:
            if posted + move < 0:
                continue
            entry = an_entry(
                len(history) + 1,
                amount_minor=abs(move),
                before_minor=posted,
                after_minor=posted + move,
            )
            kind = "deposit" if move > 0 else "withdraw"
            history.append(an_outcome(sequence=entry.sequence, entry=entry, type=kind))
            posted += move
        damaged = remains_of(an_account(posted_minor=77), "sequence", "balances")

        found = rebuild(evidence(damaged, history=a_chain(*history)), writer="w")

        assert isinstance(found, Rebuilt)
        assert found.account.sequence == len(history)
        assert sum(one.posted_minor for one in found.account.balances.values()) == posted


class TestClaims:
    @pytest.mark.parametrize(
        ("claimed", "owner", "released", "taken"),
        [
            (["alice@example.com"], "alice", [], False),
            ([], None, [], True),
            (["old@example.com"], None, [("old@example.com", "alice")], True),
            (
                ["old@example.com", "alice@example.com"],
                "alice",
                [("old@example.com", "alice")],
                False,
            ),
            ([], "bob", [("alice@example.com", "bob")], True),
        ],
    )
    def test_are_its_own_address_and_no_other(
        self,
        claimed: list[str],
        owner: str | None,
        released: list[tuple[str, str]],
        taken: bool,  # noqa: FBT001
    ) -> None:
        given_up, taken_up = claims(SOUND, claimed, owner)

        assert [(one.email, one.username) for one in given_up] == released
        own = EmailClaim(email="alice@example.com", username="alice")
        assert list(taken_up) == ([own] if taken else [])
