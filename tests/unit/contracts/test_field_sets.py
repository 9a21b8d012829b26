"""Nothing that the contract takes is dropped on its way: into accounts, outcomes, documents, answers.

A field that is added in one place type-checks in all others, is accepted, audited, and lost.
"""

import json
from collections.abc import Collection
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from bson import BSON

from cli.arguments.send_options import Identity, OptionalIdentity, OptionalProfile
from cli.commands.profile import facts
from cli.commands.send import profile_changes
from client.calls import CommandOptions, OpenOptions
from client.sign_in_calls import RegisterOptions
from contract_docs import examples
from contracts.codes import Code
from contracts.commands import AnyCommand
from contracts.entries import Entry
from contracts.ledger import Movement
from contracts.profile import UpdateProfile
from contracts.queries import GetProfile, ProfileAnswer
from contracts.registration import Open, Register
from examples.gateway import bodies
from handlers.history import querying
from handlers.history.entries import Entries
from handlers.history.rebuilding import NEEDED, OPTIONAL, Evidence, Rebuilt, rebuild
from handlers.ledger.recording import Conclusion, conclude
from handlers.model.account import NOT_BOOKED, Account, Balance, Profile
from handlers.model.changes import Owners
from handlers.model.decision import Moved
from handlers.model.outcome import UNCHAINED, LedgerEntry, Outcome, Trace
from handlers.model.refused import Refused
from handlers.wire.rendering import Rendering
from storage.mongo.documents import repairs as repair_documents
from storage.mongo.documents.accounts import CODEC, from_account, from_outcome
from storage.mongo.documents.stored import to_account
from storage.mongo.documents.stored_outcomes import to_outcome
from tests.builders import NOON, an_account, an_entry, an_outcome
from tests.macs import MACS
from tests.received import RULES, a_deposit, a_registration, an_update, received

OF_A_COMMAND = {"command_id", "username"}
NEVER_KEPT = {"sealed_password", "sealed_claim"}
NO_FIELDS = {"claim", *CommandOptions.__annotations__}
OF_AN_ACCOUNT = {"account_id", "status", "opened_at"}

PROFILE: dict[str, tuple[Any, Any]] = {
    "email": ("ann@example.com", "ann@example.org"),
    "first_name": ("Ann", "Anne"),
    "last_name": ("Lee", "Leigh"),
    "phone": ("+14155550123", "+14155550199"),
    "date_of_birth": ("1990-12-31", "1991-01-01"),
    "marketing_consent": (True, False),
}
"""Each field as a caller sends it, and as it is changed afterwards: neither is a default."""

MOVEMENT: dict[str, tuple[Any, Any]] = {
    "amount": ("1.00", "1.01"),
    "currency": ("USD", "KWD"),
    "expires_at": (NOON + timedelta(days=1), NOON + timedelta(days=2)),
    "house": ("fees", "opening"),
    "metadata": ({"order": "1"}, {"order": "2"}),
    "reason": ("refund", "gift"),
    "related_id": ("order-1", "order-2"),
}
"""Each field of a movement, with two values of another meaning."""

RECORDED = MOVEMENT.keys() - {"amount", "currency", "expires_at", "house"}
"""What of a movement is recorded as it came; its amount and house are an entry, and its end is over."""


def decided(account: Account | None, command: AnyCommand) -> Conclusion:
    read = received(command, at_ms=round(NOON.timestamp() * 1000))
    concluded = conclude(account, read, Owners(), rules=RULES, now=NOON)
    assert isinstance(concluded, Conclusion)
    return concluded


def registered() -> Account:
    first = {name: values[0] for name, values in PROFILE.items()}
    account = decided(None, a_registration(**first)).account
    assert account is not None
    return msgspec.structs.replace(account, version=1)


def kept_account(account: Account) -> Account:
    """Return *account* once it was stored and read."""
    return to_account(BSON.encode(from_account(account, MACS)).decode(CODEC), MACS)


def kept_outcome(outcome: Outcome) -> Outcome:
    """Return *outcome* once it was stored and read."""
    return to_outcome(BSON.encode(from_outcome(outcome)).decode(CODEC))


def answered(account: Account) -> ProfileAnswer:
    """Return *account*'s profile as a caller reads it, once it was stored and read."""
    stored = kept_account(account)
    query = GetProfile(request_id="q-1", username=account.username)
    answer = querying.profile(query, stored, has_credential=True)
    assert not isinstance(answer, Refused)
    return ProfileAnswer.model_validate_json(json.dumps(answer["profile"]))


def shown(account: Account) -> dict[str, Any]:
    """Return the fields of that answer that stand in the profile."""
    return answered(account).model_dump(mode="json", exclude=OF_AN_ACCOUNT)


def changed(name: str) -> Account:
    """Return the account once that field has its other value."""
    after = decided(registered(), an_update(**{name: PROFILE[name][1]})).account
    assert after is not None
    return after


def without_defaults(struct: msgspec.Struct) -> Collection[str]:
    """Return the fields in which *struct* differs from what it would be if nobody named them."""
    described = {field.name: field for field in msgspec.structs.fields(type(struct))}
    return {name for name, field in described.items() if getattr(struct, name) != field.default}


class TestAFieldOfAProfile:
    @pytest.mark.parametrize(
        "there",
        [
            Open.model_fields.keys() - OF_A_COMMAND - NEVER_KEPT,
            Register.model_fields.keys() - OF_A_COMMAND - NEVER_KEPT,
            UpdateProfile.model_fields.keys() - OF_A_COMMAND,
            set(Profile.__struct_fields__),
            from_account(registered(), MACS)["profile"].keys(),
            ProfileAnswer.model_fields.keys() - OF_AN_ACCOUNT,
            {*NEEDED, *OPTIONAL},
            repair_documents.PROFILE.keys(),
            {*Identity.__slots__, *OptionalProfile.__slots__},
            {*OptionalIdentity.__slots__, *OptionalProfile.__slots__},
            OpenOptions.__annotations__.keys() - NO_FIELDS,
            {*NEEDED, *RegisterOptions.__annotations__} - NO_FIELDS,
            examples.REGISTER.keys() - OF_A_COMMAND - NEVER_KEPT,
            bodies.RegisterBody.model_fields.keys() - {"username", "password"},
            bodies.ProfileChanges.model_fields.keys(),
            bodies.WholeProfile.model_fields.keys(),
        ],
        ids=[
            "open",
            "register",
            "update-profile",
            "account",
            "document",
            "answer",
            "rebuilt",
            "repaired",
            "send register",
            "send update-profile",
            "client open",
            "client register",
            "example",
            "POST",
            "PATCH",
            "PUT",
        ],
    )
    def test_stands_everywhere(self, there: Collection[str]) -> None:
        assert set(there) == PROFILE.keys()

    def test_is_shown_as_it_was_registered(self) -> None:
        assert shown(registered()) == {name: values[0] for name, values in PROFILE.items()}

    @pytest.mark.parametrize("name", PROFILE)
    def test_is_shown_as_it_was_changed(self, name: str) -> None:
        assert shown(changed(name)) == {**shown(registered()), name: PROFILE[name][1]}

    @pytest.mark.parametrize("name", PROFILE)
    def test_is_shown_to_who_asks_on_the_command_line(self, name: str) -> None:
        assert facts(answered(changed(name))) != facts(answered(registered()))

    def test_is_cleared_by_an_empty_value_where_it_is_text(self) -> None:
        texts = {name for name in OptionalProfile.__slots__ if isinstance(PROFILE[name][0], str)}
        emptied: dict[str, Any] = dict.fromkeys(texts, "")

        changes = profile_changes(OptionalIdentity(), OptionalProfile(**emptied))

        assert changes == dict.fromkeys(texts)

    def test_is_kept_by_a_repair(self) -> None:
        account = registered()
        stored = BSON.encode(from_account(account, MACS)).decode(CODEC)
        remains = repair_documents.to_remains(stored, MACS)

        rebuilt = rebuild(
            Evidence(
                username=account.username,
                remains=remains,
                entries=Entries(),
                decisions=[],
                claims=[],
            ),
            writer="w",
        )

        assert isinstance(rebuilt, Rebuilt)
        assert (remains.damaged, rebuilt.lost) == (frozenset(), [])
        assert rebuilt.account.profile == account.profile


class TestAFieldOfAMovement:
    def test_has_values_here(self) -> None:
        assert Movement.model_fields.keys() - OF_A_COMMAND == MOVEMENT.keys()

    @pytest.mark.parametrize("name", MOVEMENT)
    def test_tells_another_command_under_the_same_id(self, name: str) -> None:
        one, other = ({name: value} for value in MOVEMENT[name])

        assert received(a_deposit(**one)).fingerprint != received(a_deposit(**other)).fingerprint

    def test_is_told_by_the_event_and_the_history(self) -> None:
        sent = {name: values[0] for name, values in MOVEMENT.items()}
        outcome = decided(an_account(), a_deposit(**sent)).outcome
        stored = kept_outcome(outcome)

        rendering = Rendering(stored)

        for said in (rendering.balance_event().value, rendering.entry or b""):
            entry = Entry.model_validate_json(said)
            assert entry.postings[1].account == f"house:{sent['house']}"
            assert entry.model_dump(include=set(RECORDED)) == {
                name: sent[name] for name in RECORDED
            }


class TestWhatIsStored:
    def test_of_an_account_comes_back_whole(self) -> None:
        account = an_account(
            profile=registered().profile,
            balances={"USD": Balance(posted_minor=5, scale=2, held_minor=3)},
            sequence=4,
            published_sequence=2,
            signs_in=False,
            head=bytes(32),
            books=NOT_BOOKED,
            claim_digest=bytes(32),
        )
        [balance] = account.balances.values()
        for part in (account, account.profile, balance):
            assert without_defaults(part) == set(part.__struct_fields__)

        assert kept_account(account) == account

    @pytest.mark.parametrize("refused", [False, True])
    def test_of_an_outcome_comes_back_whole(self, *, refused: bool) -> None:
        told: dict[str, Any] = {"detail": "d", "actor": "a", "reason": "r", "related_id": "i"}
        told |= {"metadata": (("k", "v"),), "schema": UNCHAINED}
        told |= {"entry": an_entry(3, held_minor=1, previous_hash=None)}
        if refused:
            told |= {"entry": None, "code": Code.EXPIRED}
        trace = Trace(correlation_id="c", traceparent="p", tracestate="s")
        outcome = an_outcome(sequence=3, trace=trace, **told)
        absent = {"entry"} if refused else {"code"}
        assert without_defaults(outcome) == set(Outcome.__struct_fields__) - absent

        assert kept_outcome(outcome) == outcome

    def test_of_an_entry_is_what_was_decided(self) -> None:
        of_an_entry = set(LedgerEntry.__struct_fields__) - {"sequence", "previous_hash"}

        assert of_an_entry == set(Moved.__struct_fields__)
