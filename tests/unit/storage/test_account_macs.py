"""An account that somebody without a key wrote, or a part of it, is read by nobody (P18)."""

from typing import Any

import pytest
from bson import BSON
from msgspec.structs import replace

from handlers.model.account import NOT_BOOKED, Account, Balance
from handlers.model.chain import HASH_BYTES
from storage.mongo.documents.account_macs import DIGEST_BYTES, AccountMacs
from storage.mongo.documents.accounts import CODEC, from_account
from storage.mongo.documents.stored import account_or_corrupt
from storage.ports.account_keys import TAG_BYTES, MacKey
from tests.builders import an_account
from tests.macs import KEYS, MACS, a_key

HEAD = bytes(range(HASH_BYTES))
ACCOUNT = replace(
    an_account(posted_minor=100, sequence=3),
    signs_in=False,
    claim_digest=bytes(32),
    head=HEAD,
    published_sequence=2,
    version=5,
)
OLD, NEW = a_key("old"), a_key("new")


def stored(account: Account = ACCOUNT, macs: AccountMacs = MACS, **edited: Any) -> dict[str, Any]:
    """Return a document as MongoDB gives it back, with fields that were *edited* by hand."""
    return BSON.encode({**from_account(account, macs), **edited}).decode(CODEC)


def found(document: dict[str, Any], macs: AccountMacs = MACS) -> object:
    """Return the account, or the field that is wrong."""
    read = account_or_corrupt(document, macs)
    return read if isinstance(read, Account) else read.field


def a_balance(**changed: Any) -> list[dict[str, Any]]:
    return [{"currency": "USD", "scale": 2, "posted_minor": 100, "held_minor": 0, **changed}]


def test_an_account_comes_back() -> None:
    assert found(stored()) == ACCOUNT
    assert len(from_account(ACCOUNT, MACS)["mac"]) == TAG_BYTES + DIGEST_BYTES


@pytest.mark.parametrize("minor", [0, 2**63 - 1, 2**63, 10**28])
def test_of_any_amount(minor: int) -> None:
    account = replace(ACCOUNT, balances={"ETH": Balance(posted_minor=minor, scale=18)})
    assert found(stored(account)) == account


@pytest.mark.parametrize(
    "edited",
    [
        {"_id": "bob"},
        {"account_id": "another"},
        {"sequence": 4},
        {"version": 6},
        {"writer": "another"},
        {"published_sequence": 3},
        {"books": 1},
        {"signs_in": False, "claim_digest": bytes(31) + b"\1"},
        {"claim_digest": None},
        {"head": bytes(HASH_BYTES)},
        {"head": None},
        {"balances": []},
        {"balances": a_balance(posted_minor=101)},
        {"balances": a_balance(held_minor=1)},
        {"balances": a_balance(currency="EUR")},
        {"balances": a_balance(scale=3)},
        {"balances": [*a_balance(), *a_balance(currency="EUR")]},
        {"mac": None},
        {"mac": b""},
        {"mac": bytes(TAG_BYTES + DIGEST_BYTES)},
        {"mac": MACS.tag},
        {"mac": MACS.of(replace(ACCOUNT, sequence=4))},
        {"mac": MACS.of(ACCOUNT)[:-1]},
        {"mac": MACS.of(ACCOUNT) + b"\0"},
    ],
    ids=str,
)
def test_what_was_edited_is_noticed(edited: dict[str, Any]) -> None:
    assert found(stored(**edited)) == "mac"


def test_a_profile_is_its_users_matter() -> None:
    """A later release may add to it, and this one drops what it does not know."""
    profile = {**stored()["profile"], "phone": "+15550100", "nickname": "later"}
    read = found(stored(profile=profile))
    assert isinstance(read, Account)
    assert read.profile.phone == "+15550100"


class TestAnAccountOfBefore:
    OLD = replace(ACCOUNT, signs_in=True, claim_digest=None, head=None, books=NOT_BOOKED)

    def of_before(self) -> dict[str, Any]:
        document = stored(self.OLD)
        del document["mac"], document["books"]
        return document

    def test_has_none_yet(self) -> None:
        assert found(self.of_before()) == self.OLD

    def test_cannot_lack_it_once_all_have_one(self) -> None:
        assert found(self.of_before(), AccountMacs(KEYS.mac_keys(), may_lack=False)) == "mac"

    def test_is_none_where_it_is_on_the_books(self) -> None:
        assert found({**self.of_before(), "books": 2}) == "mac"


class TestRotation:
    def test_reads_what_the_old_key_made_and_writes_with_the_new(self) -> None:
        rotated = AccountMacs([NEW, OLD])
        assert found(stored(macs=AccountMacs([OLD])), rotated) == ACCOUNT
        assert found(stored(macs=rotated), AccountMacs([NEW])) == ACCOUNT

    def test_a_key_that_is_gone_reads_nothing(self) -> None:
        assert found(stored(macs=AccountMacs([OLD])), AccountMacs([NEW])) == "mac"

    def test_another_secret_under_the_same_name_reads_nothing(self) -> None:
        other = MacKey(OLD.tag, NEW.secret)
        assert found(stored(macs=AccountMacs([OLD])), AccountMacs([other])) == "mac"


def test_a_key_does_not_show() -> None:
    shown = repr(OLD) + str([OLD])
    assert str(OLD.secret) not in shown
    assert OLD.secret.hex() not in shown
