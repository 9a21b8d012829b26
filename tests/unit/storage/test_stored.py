"""A stored document that cannot be what we wrote has a name: which one it is, and which field."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from bson import BSON, Decimal128

from handlers.model.account import NOT_BOOKED
from handlers.model.corrupt import CorruptDocument
from storage.mongo.documents.accounts import CODEC, from_account, from_outcome
from storage.mongo.documents.stored import MAC, account_or_corrupt, to_account
from storage.mongo.documents.stored_outcomes import outcome_or_corrupt, to_outcome
from storage.ports.errors import CorruptDocumentError
from tests.builders import an_account, an_outcome
from tests.macs import MACS

ACCOUNT = from_account(an_account(posted_minor=100), MACS)
CLAIMED = from_account(an_account(signs_in=False, claim_digest=bytes(32)), MACS)
UNCLAIMED = from_account(an_account(signs_in=False), MACS)
OUTCOME = from_outcome(an_outcome(sequence=1, metadata=(("a", "b"),)))
MISSING = object()


def spoilt(document: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return *document* as MongoDB gives it back after somebody has edited one field."""
    copy: Any = deepcopy(dict(document))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = copy
    for part in parents:
        place = place[part]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return BSON.encode(copy).decode(CODEC)


def every_path(document: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the paths of all fields, nested ones included."""
    paths: list[str] = []
    for name, value in document.items():
        paths.append(prefix + name)
        if isinstance(value, Mapping):
            paths += every_path(value, f"{prefix}{name}.")  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            paths += every_path(value[0], f"{prefix}{name}.0.")  # pyright: ignore[reportUnknownArgumentType]
    return paths


class TestAccount:
    @pytest.mark.parametrize(
        ("path", "value", "field"),
        [
            ("balances.0.posted_minor", -100, "balances.0.posted_minor"),
            ("balances.0.posted_minor", 100.0, "balances.0.posted_minor"),
            ("balances.0.posted_minor", Decimal128(str(10**28 + 1)), "balances.0.posted_minor"),
            ("balances.0.posted_minor", Decimal128("-100"), "balances.0.posted_minor"),
            ("balances.0.posted_minor", Decimal128("100.5"), "balances.0.posted_minor"),
            ("balances.0.held_minor", Decimal128("NaN"), "balances.0.held_minor"),
            ("balances.0.held_minor", Decimal128("101"), "balances.0.held_minor"),
            ("balances.0.scale", Decimal128("2"), "balances.0.scale"),
            ("sequence", Decimal128("1"), "sequence"),
            ("balances.0.posted_minor", "100", "balances.0.posted_minor"),
            ("balances.0.held_minor", 101, "balances.0.held_minor"),
            ("balances.0.scale", 19, "balances.0.scale"),
            ("balances", [*ACCOUNT["balances"], *ACCOUNT["balances"]], "balances.1.currency"),
            ("balances", {"USD": 100}, "balances"),
            ("books", 3, "books"),
            ("published_sequence", 1, "published_sequence"),
            ("sequence", 1.5, "sequence"),
            ("version", 0, "version"),
            ("writer", None, "writer"),
            ("opened_at", "2030-01-01T00:00:00Z", "opened_at"),
            ("profile.date_of_birth", "2000-13-01", "profile.date_of_birth"),
            ("profile.email", 5, "profile.email"),
            ("profile", [], "profile"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, path: str, value: object, field: str) -> None:
        found = account_or_corrupt(spoilt(ACCOUNT, path, value), MACS)

        assert found == CorruptDocument(
            collection="accounts", id="alice", username="alice", field=field
        )

    @pytest.mark.parametrize("path", sorted(set(every_path(ACCOUNT)) - {"_id", "books"}))
    @pytest.mark.parametrize("value", [MISSING, None, {"x": 1}], ids=["missing", "null", "object"])
    def test_no_field_can_be_missing_or_of_another_type(self, path: str, value: object) -> None:
        with pytest.raises(CorruptDocumentError) as raised:
            to_account(spoilt(ACCOUNT, path, value), MACS)

        assert raised.value.document.field in {path, f"{path}.email"}

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            ("claim_digest", bytes(31)),
            ("claim_digest", bytes(33)),
            ("claim_digest", "A" * 43 + "="),  # as many bytes in base64
            ("claim_digest", 7),
            ("signs_in", True),
            ("signs_in", MISSING),
        ],
        ids=["short", "long", "text", "number", "signs in", "of before"],
    )
    def test_a_claim_is_a_digest_of_an_account_that_was_only_opened(
        self, path: str, value: object
    ) -> None:
        read = BSON.encode(UNCLAIMED).decode(CODEC)
        assert to_account(read, MACS).claim_digest is None

        with pytest.raises(CorruptDocumentError) as raised:
            to_account(spoilt(CLAIMED, path, value), MACS)

        assert raised.value.document.field == "claim_digest"

    def test_a_claim_is_nothing_that_may_get_lost(self) -> None:
        with pytest.raises(CorruptDocumentError) as raised:
            to_account(spoilt(CLAIMED, "claim_digest", MISSING), MACS)

        assert raised.value.document.field == MAC

    def test_an_account_of_before_the_books_says_so(self) -> None:
        of_before = spoilt(spoilt(ACCOUNT, "books", MISSING), "mac", MISSING)
        assert to_account(of_before, MACS).books == NOT_BOOKED

    def test_a_field_that_a_later_release_added_is_no_fault(self) -> None:
        assert to_account(spoilt(ACCOUNT, "later", 1), MACS) == an_account(posted_minor=100)


class TestOutcome:
    @pytest.mark.parametrize(
        ("path", "value", "field"),
        [
            ("type", "transfer", "type"),
            ("code", "no_such_code", "code"),
            ("code", "insufficient_funds", "entry"),
            ("entry.amount_minor", 7, "entry"),
            ("entry.after_minor", 1.5, "entry.after_minor"),
            ("entry.after_minor", Decimal128("Infinity"), "entry.after_minor"),
            ("entry.before_minor", Decimal128(str(10**28 + 1)), "entry.before_minor"),
            ("entry.amount_minor", Decimal128("7"), "entry"),
            ("entry.held_minor", 1001, "entry"),
            ("entry.held_minor", -1, "entry.held_minor"),
            ("entry", MISSING, "entry"),
            ("sequence", MISSING, "sequence"),
            ("sequence", 0, "sequence"),
            ("metadata", [["a"]], "metadata.0"),
            ("source.offset", "1", "source.offset"),
            ("fingerprint", "text", "fingerprint"),
            ("decided_at", 5, "decided_at"),
            ("username", "bob", "username"),
        ],
    )
    def test_names_the_field_that_is_wrong(self, path: str, value: object, field: str) -> None:
        found = outcome_or_corrupt(spoilt(OUTCOME, path, value))

        assert isinstance(found, CorruptDocument)
        assert (found.collection, found.id, found.field) == ("outcomes", OUTCOME["_id"], field)

    def test_names_nothing_of_the_content(self) -> None:
        with pytest.raises(CorruptDocumentError) as raised:
            to_outcome(spoilt(OUTCOME, "decided_at", "canary"))

        assert "canary" not in f"{raised.value} {raised.value.document!r}"
