"""What callers rely on when users sign in, of the service and of `FakeAccounts` alike."""

import asyncio
import secrets
from typing import TypedDict

import pytest

from client import (
    AccountsClient,
    EmailTakenError,
    InvalidCredentialsError,
    PasswordRefusedError,
    RefusedError,
    Revocations,
    SessionEndedError,
    TooManyAttemptsError,
    UnknownAccountError,
    UsernameTakenError,
    verify_access_token,
)
from tests.e2e.accounts_either import PASSWORD, Either, accounts, either, running
from tests.e2e.caller import a_name

__all__ = ["accounts", "either", "running"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANOTHER = "five six seven eight"


class About(TypedDict):
    email: str
    first_name: str
    last_name: str


def about(username: str) -> About:
    return {"email": f"{username}@example.com", "first_name": "A", "last_name": "L"}


async def a_user(accounts: AccountsClient) -> str:
    username = a_name()
    await accounts.register(username, PASSWORD, **about(username))
    return username


class TestRegister:
    async def test_means_that_the_user_can_sign_in(self, either: Either) -> None:
        username = a_name()

        result = await either.accounts.register(
            username, PASSWORD, **about(username), phone="+31201234567"
        )
        session = await either.accounts.login(username, PASSWORD, source="192.0.2.1")
        await either.accounts.deposit(username, "1.00", "USD")

        claims = verify_access_token(
            session.tokens.access_token, either.jwks, issuer="accounts", audience="accounts"
        )
        assert result.account_id is not None
        assert (claims.username, claims.session_id) == (username, session.session_id)

    async def test_is_refused_by_type(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        other = a_name()

        with pytest.raises(UsernameTakenError):
            await accounts.register(username, PASSWORD, **about(other))
        with pytest.raises(EmailTakenError):
            await accounts.register(other, PASSWORD, **about(username))
        for password, code in (
            ("short", "password_too_short"),
            ("x" * 257, "password_too_long"),
            ("password1", "password_common"),
            (f"{other}@example.com", "password_personal"),
        ):
            with pytest.raises(PasswordRefusedError) as refused:
                await accounts.register(other, password, **about(other))
            assert refused.value.error.code == code

    async def test_repeated_is_answered_as_recorded(self, accounts: AccountsClient) -> None:
        """Though the password is sealed anew, as after a crash of the caller."""
        username = a_name()
        given = about(username)

        first = await accounts.register(username, PASSWORD, **given, command_id="r-1")
        again = await accounts.try_register(username, PASSWORD, **given, command_id="r-1")

        assert (first.duplicate, again.duplicate) == (False, True)
        assert again.account_id == first.account_id


class TestAClaim:
    async def test_makes_an_opened_account_the_users(self, accounts: AccountsClient) -> None:
        username, claim = a_name(), secrets.token_urlsafe(32)
        opened = await accounts.open(username, claim=claim, phone="+31201234567")
        await accounts.deposit(username, "1.00", "USD")

        registered = await accounts.register(username, PASSWORD, **about(username), claim=claim)

        assert registered.account_id == opened.account_id
        assert (await accounts.login(username, PASSWORD)).session_id
        assert (await accounts.balance(username, "USD")).available == "1.00"

    async def test_has_to_be_the_same(self, accounts: AccountsClient) -> None:
        username, claim = a_name(), secrets.token_urlsafe(32)
        await accounts.open(username, claim=claim)

        with pytest.raises(UsernameTakenError):
            await accounts.register(username, PASSWORD, **about(username))
        with pytest.raises(UsernameTakenError):
            await accounts.register(
                username, PASSWORD, **about(username), claim=secrets.token_urlsafe(32)
            )
        with pytest.raises(UnknownAccountError):
            await accounts.register(a_name(), PASSWORD, **about(a_name()), claim=claim)

    async def test_repeated_is_the_same_though_it_is_sealed_anew(
        self, accounts: AccountsClient
    ) -> None:
        username, claim = a_name(), secrets.token_urlsafe(32)

        first = await accounts.open(username, claim=claim, command_id="o-1")
        again = await accounts.try_open(username, claim=claim, command_id="o-1")

        assert (first.duplicate, again.duplicate) == (False, True)

    async def test_is_long_and_of_a_name_to_sign_in_with(self, accounts: AccountsClient) -> None:
        with pytest.raises(RefusedError, match="claim_malformed"):
            await accounts.open(a_name(), claim="short")
        with pytest.raises(ValueError, match="sealed_claim"):
            await accounts.open(f"Shop|{a_name()}", claim=secrets.token_urlsafe(32))


class TestSessions:
    async def test_last_from_login_to_logout(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)

        opened = await accounts.login(username, PASSWORD)
        renewed = await accounts.refresh(username, opened.tokens.refresh_token)
        ended = await accounts.logout(username, renewed.tokens.access_token)

        assert (opened.session_id, ended) == (renewed.session_id, 1)
        with pytest.raises(SessionEndedError, match="session_ended"):
            await accounts.refresh(username, renewed.tokens.refresh_token)

    async def test_end_where_a_refresh_token_is_used_twice(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        opened = await accounts.login(username, PASSWORD)
        await accounts.refresh(username, opened.tokens.refresh_token)

        with pytest.raises(RefusedError, match=r"token_superseded|token_reused"):
            await accounts.refresh(username, opened.tokens.refresh_token)

    async def test_open_for_the_right_password_only(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)

        with pytest.raises(InvalidCredentialsError):
            await accounts.login(username, ANOTHER)
        with pytest.raises(TooManyAttemptsError) as refused:
            await accounts.login(username, PASSWORD)

        assert refused.value.retry_after_s == 1
        with pytest.raises(InvalidCredentialsError):
            await accounts.login(a_name(), PASSWORD)

    async def test_of_others_end_with_a_change_of_password(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        here = await accounts.login(username, PASSWORD)
        await accounts.login(username, PASSWORD)

        with pytest.raises(PasswordRefusedError):
            await accounts.change_password(
                username, here.tokens.access_token, PASSWORD, "password1"
            )
        ended = await accounts.change_password(
            username, here.tokens.access_token, PASSWORD, ANOTHER
        )

        assert ended == 1
        assert (await accounts.login(username, ANOTHER)).session_id

    async def test_that_ended_are_heard_of(self, accounts: AccountsClient) -> None:
        username = await a_user(accounts)
        opened = await accounts.login(username, PASSWORD)

        async with Revocations(accounts) as revocations:
            await revocations.wait_until_caught_up()
            assert not revocations.is_revoked(opened.session_id)
            await accounts.logout(username, opened.tokens.access_token)
            async with asyncio.timeout(30):
                while not revocations.is_revoked(opened.session_id):  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.01)
