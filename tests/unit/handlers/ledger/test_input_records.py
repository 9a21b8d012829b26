"""P3: a repeat is told from a conflict by what the command says, not by how it is written."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from contracts.commands import AnyCommand
from handlers.model.input_records import fingerprint
from tests.builders import NOON
from tests.received import (
    a_deposit,
    a_registration,
    a_withdrawal,
    an_opening,
    an_update,
    received,
)

EAST = timezone(timedelta(hours=2))


def same(one: AnyCommand, other: AnyCommand) -> bool:
    return received(one).fingerprint == received(other).fingerprint


class TestFingerprint:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (a_deposit("10.50"), a_deposit("10.5")),
            (a_deposit("10"), a_deposit("10.00")),
            (a_deposit(metadata={"a": "1", "b": "2"}), a_deposit(metadata={"b": "2", "a": "1"})),
            (
                a_deposit(expires_at=datetime(2030, 1, 1, 12, tzinfo=UTC)),
                a_deposit(expires_at=datetime(2030, 1, 1, 14, tzinfo=EAST)),
            ),
            (a_registration(), a_registration(sealed_password="e30..b.c.d")),
            (an_opening(sealed_claim="e30..a.b.c"), an_opening(sealed_claim="e30..b.c.d")),
            (an_opening(sealed_claim=None), an_opening()),
            (a_registration(email="a@EXAMPLE.com"), a_registration(email="a@example.com")),
            (an_update(last_name="B", first_name="A"), an_update(first_name="A", last_name="B")),
        ],
        ids=[
            *("zeros", "decimals", "order of pairs", "zone", "sealed again", "claim sealed again"),
            *("no claim", "domain", "order"),
        ],
    )
    def test_is_the_same_for_the_same_said_otherwise(
        self, one: AnyCommand, other: AnyCommand
    ) -> None:
        assert same(one, other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (a_deposit("10.50"), a_deposit("10.51")),
            (a_deposit("1"), a_deposit("10")),
            (a_deposit(), a_withdrawal()),
            (a_deposit(), a_deposit(currency="KWD")),
            (a_deposit(reason="x"), a_deposit(related_id="x")),
            (a_deposit(), a_deposit(metadata={"a": "1"})),
            (a_deposit(), a_deposit(expires_at=NOON)),
            (a_deposit(), a_deposit(house="opening")),
            (a_deposit(house="fees"), a_deposit(house="opening")),
            (a_registration(), a_registration(phone="+14155550123")),
            (an_opening(), an_opening(sealed_claim="e30..a.b.c")),
            (a_registration(), a_registration(sealed_claim="e30..a.b.c")),
            (an_update(first_name="A"), an_update(first_name="A", phone=None)),
            (an_update(first_name="A"), an_update(last_name="A")),
        ],
    )
    def test_is_another_for_anything_else(self, one: AnyCommand, other: AnyCommand) -> None:
        assert not same(one, other)

    def test_does_not_hang_on_who_asks_or_under_which_id(self) -> None:
        assert same(a_deposit(command_id="a"), a_deposit(command_id="b"))

    def test_is_what_was_recorded_long_ago(self) -> None:
        """Another algorithm would turn every repeat into a conflict."""
        assert fingerprint("deposit", a_deposit("10.50", reason="why")).hex() == PINNED


PINNED = "545d9adc88cc382a5128c304a21549c3"
