"""A line to commands, by the contract's own rules; what is wrong is named and never repeated."""

import json
from typing import Any

import pytest

from cli.moving.account_lines import AccountToOpen, FaultyLine, read_account
from cli.moving.command_ids import COMMAND_ID_LENGTH_MAX, command_id
from cli.moving.lines import Line
from contracts.ledger import Deposit
from contracts.registration import Open, Register
from tests.unit.workers.credentials.test_imported_hashes import made

ALICE = {
    "username": "alice",
    "email": "alice@example.com",
    "first_name": "Alice",
    "last_name": "Example",
    "date_of_birth": "1990-12-31",
}
SECRET = "canary-5d1f"
TOO_COSTLY = f"$pbkdf2-sha256$1000000000${'s' * 22}${'h' * 43}"


def read(said: Any, number: int = 7) -> AccountToOpen | FaultyLine:
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    return read_account(Line(number, text), "shop")


def account(said: Any) -> AccountToOpen:
    found = read(said)
    assert isinstance(found, AccountToOpen), found
    return found


def problems(said: Any) -> list[tuple[str, str]]:
    found = read(said)
    assert isinstance(found, FaultyLine), found
    assert SECRET not in repr(found)
    return [(each["field"], each.get("problem") or each["code"]) for each in found.problems]


class TestAnAccount:
    def test_needs_no_more_than_a_name(self) -> None:
        found = account({"username": "auth0|5f7c"})

        assert found == AccountToOpen(
            7, Open(command_id="import:shop:auth0|5f7c", username="auth0|5f7c"), None, []
        )

    def test_is_opened_and_paid_from_the_opening_house(self) -> None:
        found = account({**ALICE, "balances": {"USD": "10.50", "JPY": "7"}})

        assert isinstance(found.opening, Open)
        assert found.opening.email == "alice@example.com"
        told: dict[str, Any] = {"username": "alice", "house": "opening"}
        assert found.deposits == [
            Deposit(command_id="import:shop:alice:USD", amount="10.50", currency="USD", **told),
            Deposit(command_id="import:shop:alice:JPY", amount="7", currency="JPY", **told),
        ]

    @pytest.mark.parametrize("nothing", ["0", "0.00"])
    def test_is_not_paid_nothing(self, nothing: str) -> None:
        assert account({"username": "alice", "balances": {"USD": nothing}}).deposits == []

    def test_with_a_hash_is_registered(self) -> None:
        foreign = made("scrypt")

        found = account({**ALICE, "password_hash": foreign})

        assert isinstance(found.opening, Register)
        assert found.opening.command_id == "import:shop:alice"
        assert found.password_hash == foreign


class TestAFaultyLine:
    @pytest.mark.parametrize(
        ("said", "found"),
        [
            (b"", [("record", "not_json")]),
            (b"[]", [("record", "not_json")]),
            (b'{"username": "\xff"}', [("record", "not_json")]),
            (b'{"username": "a"} {}', [("record", "not_json")]),
            (b'{"username": "a", "username": "b"}', [("record", "name_repeated")]),
            (
                b'{"username": "a", "balances": {"USD": "1", "USD": "2"}}',
                [("record", "name_repeated")],
            ),
            ({}, [("username", "missing")]),
            ({"username": f"{SECRET} x"}, [("username", "malformed")]),
            ({"username": 5}, [("username", "wrong_type")]),
            ({"username": "a", "email": SECRET}, [("email", "not_an_email")]),
            ({"username": "a", SECRET: 1}, [("unknown field", "unknown_field")]),
            ({"username": "a", "command_id": "x"}, [("unknown field", "unknown_field")]),
            ({"username": "a", "sealed_password": "x"}, [("unknown field", "unknown_field")]),
            ({"username": "a", "date_of_birth": "31.12.1990"}, [("date_of_birth", "not_a_date")]),
            ({"username": "a", "balances": {"USD": 10.5}}, [("balances", "wrong_type")]),
            ({"username": "a", "balances": {"USD": "-1"}}, [("balances", "malformed")]),
            ({"username": "a", "balances": {SECRET: "1"}}, [("balances", "malformed")]),
            ({"username": "a", "balances": []}, [("balances", "wrong_type")]),
            (
                {**ALICE, "password_hash": SECRET},
                [("password_hash", "password_hash_unsupported")],
            ),
            (
                {**ALICE, "password_hash": TOO_COSTLY},
                [("password_hash", "password_hash_too_costly")],
            ),
            (
                {"username": "Alice", "password_hash": made("scrypt")},
                [
                    ("username", "malformed"),
                    ("email", "missing"),
                    ("first_name", "missing"),
                    ("last_name", "missing"),
                ],
            ),
        ],
    )
    def test_says_which_fields_are_wrong(self, said: Any, found: list[tuple[str, str]]) -> None:
        assert problems(said) == found

    def test_may_be_too_long_to_be_kept(self) -> None:
        found = read_account(Line(3, None), "shop")

        assert isinstance(found, FaultyLine)
        assert (found.line, found.problems[0]["problem"]) == (3, "too_long")


class TestCommandId:
    def test_says_what_it_is_for(self) -> None:
        assert command_id("shop", "alice") == "import:shop:alice"
        assert command_id("shop", "alice", "USD") == "import:shop:alice:USD"

    @pytest.mark.parametrize("length", [82, 83, 84, 128])
    def test_always_fits(self, length: int) -> None:
        ids = {
            command_id("n" * 40, "u" * length, currency) for currency in ("", "USD", "ABCDEFGHIJ")
        }

        assert len(ids) == 3
        assert max(map(len, ids)) <= COMMAND_ID_LENGTH_MAX

    def test_of_names_that_are_too_long_is_as_different_as_they_are(self) -> None:
        assert command_id("n", "u" * 127 + "a") != command_id("n", "u" * 127 + "b")
