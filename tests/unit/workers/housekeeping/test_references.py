"""What stands beside the accounts is compared with them, in both directions."""

import logging

import pytest

from handlers.history.reference import Referring
from handlers.model.account import Profile
from handlers.model.changes import NameClaim
from tests.builders import a_claim, an_account, an_outcome
from tests.identity_builders import a_credential, a_session
from tests.unit.workers.housekeeping.books_in_memory import (
    VIOLATIONS,
    Books,
    a_sound_one,
    said,
)


class TestReferences:
    @pytest.mark.parametrize("collection", Referring)
    async def test_finds_what_names_no_account(self, books: Books, collection: Referring) -> None:
        await a_sound_one(books, "alice")
        match collection:
            case Referring.EMAILS:
                await books.write(claimed=[a_claim("nobody@example.com", "nobody")])
            case Referring.NAMES:
                await books.write(names=[NameClaim(name="nobody", username="NoBody")])
            case Referring.REGISTRATIONS:
                await books.write(registered=[an_account("nobody")])
            case Referring.CREDENTIALS:
                await books.credentials.insert([a_credential("nobody")])
            case Referring.SESSIONS:
                books.identities.sessions["s-1"] = a_session(username="nobody")
            case Referring.OUTCOMES:
                await books.write(outcomes=[an_outcome("nobody")])

        await books.round()

        assert books.value(VIOLATIONS) == 1

    async def test_an_outcome_that_was_refused_needs_no_account(self, books: Books) -> None:
        await books.write(outcomes=[an_outcome("nobody", account_id=None)])

        await books.round()

        assert books.value(VIOLATIONS) == 0

    async def test_finds_claims_in_both_directions(
        self, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        await books.write(accounts=[an_account("alice")], registered=[an_account("alice")])
        await books.store(an_account("bob"))
        await books.write(claimed=[a_claim("carol@example.com", "bob")])

        with caplog.at_level(logging.ERROR):
            await books.round()

        assert [line.split(": ")[:2] for line in said(caplog)] == [
            ["account id-of-alice", "email_unclaimed"],
            ["account id-of-bob", "stray_claim"],
        ]

    async def test_finds_a_name_claimed_for_who_has_another(
        self, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        await a_sound_one(books, "bob")
        await books.write(names=[NameClaim(name=name, username="bob") for name in ("bob", "alice")])

        with caplog.at_level(logging.ERROR):
            await books.round()

        assert [line.split(": ")[:2] for line in said(caplog)] == [
            ["account id-of-bob", "stray_claim"]
        ]

    async def test_finds_who_has_a_look_alike_that_could_be_registered(
        self, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        named = [an_account(name, profile=Profile(), signs_in=False) for name in ("Bob", "Carol")]
        await books.write(accounts=named, names=[NameClaim(name="bob", username="Bob")])

        with caplog.at_level(logging.ERROR):
            await books.round()

        assert [line.split(": ")[:2] for line in said(caplog)] == [
            ["account id-of-Carol", "name_unclaimed"]
        ]

    async def test_misses_nothing_of_who_need_not_sign_in(self, books: Books) -> None:
        await books.write(accounts=[an_account("auth0|5f7c", profile=Profile(), signs_in=False)])

        await books.round()

        assert books.value(VIOLATIONS) == 0

    async def test_finds_who_can_never_sign_in(self, books: Books) -> None:
        await books.store(an_account("alice"))
        await books.credentials.settle(["alice"])

        await books.round()

        assert books.value(VIOLATIONS) == 1

    async def test_finds_an_outcome_of_another_account(self, books: Books) -> None:
        await books.store(an_account("alice"), an_outcome("alice", account_id="another"))

        await books.round()

        assert books.value(VIOLATIONS) == 1
