"""One way to be refused for each code: the commands that the refusals are tested with."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from client.sealing import seal, sealing_key
from contracts.codes import Code
from contracts.message import rfc3339
from contracts.sealing import Purpose
from contracts.topics import DEPOSIT, OPEN, REGISTER, UPDATE_PROFILE, WITHDRAW, TopicSpec
from tests.e2e.caller import PASSWORD, Body, Caller, a_movement, a_name, a_profile_change

SETTINGS = {
    "limits": '{"USD": {"amount_min": "0.50", "deposit_max": "1000.00", '
    '"withdraw_max": "100.00", "balance_max": "1500.00"}}',
    "currencies_max": "2",
}
"""Limits low enough to be met by single commands."""

Attempt: TypeAlias = tuple[TopicSpec, Body]
Way: TypeAlias = Callable[[Caller], Awaitable[Attempt]]


def movement(topic: TopicSpec, amount: str, currency: str = "USD", **fields: Any) -> Way:
    """Try to move money of a user who has 200.00 USD."""

    async def way(caller: Caller) -> Attempt:
        username = await caller.a_user("200.00")
        return topic, a_movement(username, amount, currency, **fields)

    return way


def registration(password: str = PASSWORD, **fields: Any) -> Way:
    async def way(caller: Caller) -> Attempt:
        return REGISTER, caller.registration(a_name(), password, **fields)

    return way


def sealed_for(**other: Any) -> Way:
    """Send a password sealed for something else."""

    async def way(caller: Caller) -> Attempt:
        body = caller.registration(a_name())
        told: dict[str, Any] = {
            "key": sealing_key(caller.service.ring().sealing_jwks()),
            "purpose": Purpose.REGISTER_PASSWORD,
            "command_id": body["command_id"],
            "username": body["username"],
            "issued_at": datetime.now(tz=UTC),
        }
        return REGISTER, body | {"sealed_password": seal(PASSWORD, **(told | other))}

    return way


async def blob_of_somebody_else(caller: Caller) -> Attempt:
    """Copy the sealed password of a registration that was accepted."""
    theirs = caller.registration(a_name())
    await caller.accepted(REGISTER, theirs)
    mine = caller.registration(a_name())
    return REGISTER, mine | {"sealed_password": theirs["sealed_password"]}


async def damaged_blob(caller: Caller) -> Attempt:
    body = caller.registration(a_name())
    head, _, tag = body["sealed_password"].rpartition(".")
    return REGISTER, body | {"sealed_password": f"{head}.{tag[::-1]}"}


async def password_beside(caller: Caller) -> Attempt:
    return REGISTER, caller.registration(a_name()) | {"password": "plain"}


async def claim_too_short(caller: Caller) -> Attempt:
    return OPEN, caller.opening(a_name(), "x" * 42)


async def claim_of_a_registration(caller: Caller) -> Attempt:
    """Seal for `register` what stands in an `open`."""
    body = caller.opening(a_name())
    sealed = caller.sealed("x" * 43, body["command_id"], body["username"], Purpose.REGISTER_CLAIM)
    return OPEN, body | {"sealed_claim": sealed}


async def readable_claim(caller: Caller) -> Attempt:
    return OPEN, caller.opening(a_name()) | {"sealed_claim": "x" * 43}


async def claim_where_nothing_was_opened(caller: Caller) -> Attempt:
    return REGISTER, caller.registration(a_name(), claim="x" * 43)


async def wrong_claim(caller: Caller) -> Attempt:
    username = a_name()
    await caller.accepted(OPEN, caller.opening(username, "x" * 43))
    return REGISTER, caller.registration(username, claim="y" * 43)


def registration_with_hash(foreign: str) -> Way:
    """Register with what another system made of a password."""

    async def way(caller: Caller) -> Attempt:
        body = caller.registration(a_name())
        sealed = caller.sealed(foreign, body["command_id"], body["username"], Purpose.REGISTER_HASH)
        return REGISTER, body | {"sealed_password": sealed}

    return way


async def personal_password(caller: Caller) -> Attempt:
    username = a_name()
    return REGISTER, caller.registration(username, username.upper())


async def taken_username(caller: Caller) -> Attempt:
    return REGISTER, caller.registration(await caller.a_user(), email="other@example.com")


async def taken_email(caller: Caller) -> Attempt:
    other = await caller.a_user()
    return REGISTER, caller.registration(a_name(), email=f"{other.upper()}@EXAMPLE.com")


async def taken_email_for_a_profile(caller: Caller) -> Attempt:
    one, other = await caller.a_user(), await caller.a_user()
    return UPDATE_PROFILE, a_profile_change(one, email=f"{other}@example.com")


async def a_third_currency(caller: Caller) -> Attempt:
    username = await caller.a_user("200.00")
    await caller.deposit(username, "1.00", "EUR")
    return DEPOSIT, a_movement(username, "1", "JPY")


async def too_much_altogether(caller: Caller) -> Attempt:
    username = await caller.a_user("1000.00")
    return DEPOSIT, a_movement(username, "500.01")


async def used_id(caller: Caller) -> Attempt:
    username = await caller.a_user("200.00")
    first = a_movement(username, "1.00")
    await caller.accepted(DEPOSIT, first)
    return DEPOSIT, first | {"amount": "1.01"}


async def used_id_on_another_topic(caller: Caller) -> Attempt:
    username = await caller.a_user("200.00")
    first = a_movement(username, "1.00")
    await caller.accepted(DEPOSIT, first)
    return WITHDRAW, first


def nobody(topic: TopicSpec, **fields: Any) -> Way:
    async def way(caller: Caller) -> Attempt:
        del caller
        username = a_name("nobody")
        body = a_profile_change(username) if fields else a_movement(username, "1.00")
        return topic, body | fields

    return way


ENDLESS = f"$pbkdf2-sha256$1000000000${'s' * 22}${'h' * 43}"
YESTERDAY = rfc3339(datetime.now(tz=UTC) - timedelta(days=1))

WAYS: list[tuple[Code, str, Way]] = [
    (Code.INVALID_COMMAND, "a number as amount", movement(DEPOSIT, 5)),  # type: ignore[arg-type]
    (Code.INVALID_COMMAND, "an unknown field", movement(DEPOSIT, "1.00", note="x")),
    (Code.INVALID_COMMAND, "a negative amount", movement(WITHDRAW, "-1.00")),
    (Code.INVALID_COMMAND, "an exponent", movement(DEPOSIT, "1e2")),
    (Code.INVALID_COMMAND, "no profile field", nobody(UPDATE_PROFILE, first_name=None)),
    (Code.INVALID_COMMAND, "a bad e-mail", registration(email="nowhere")),
    (Code.UNSEALED_PASSWORD, "where the sealed one belongs", registration(sealed_password="plain")),
    (Code.UNSEALED_PASSWORD, "in a field of its own", password_beside),
    (Code.UNSEALED_PASSWORD, "a claim", readable_claim),
    (Code.COMMAND_ID_CONFLICT, "another amount", used_id),
    (Code.COMMAND_ID_CONFLICT, "another topic", used_id_on_another_topic),
    (Code.EXPIRED, "yesterday", movement(DEPOSIT, "1.00", expires_at=YESTERDAY)),
    (Code.CURRENCY_UNSUPPORTED, "never heard of", movement(DEPOSIT, "1.00", "ABC")),
    (Code.UNKNOWN_HOUSE_ACCOUNT, "of a deposit", movement(DEPOSIT, "1.00", house="tips")),
    (Code.UNKNOWN_HOUSE_ACCOUNT, "our own", movement(WITHDRAW, "1.00", house="transit")),
    (Code.CURRENCY_UNSUPPORTED, "gold has no minor units", movement(WITHDRAW, "1", "XAU")),
    (Code.AMOUNT_TOO_PRECISE, "a tenth of a cent", movement(DEPOSIT, "1.001")),
    (Code.AMOUNT_TOO_PRECISE, "half a yen", movement(DEPOSIT, "1.5", "JPY")),
    (Code.AMOUNT_TOO_SMALL, "zero", movement(DEPOSIT, "0.00")),
    (Code.AMOUNT_TOO_SMALL, "just below", movement(WITHDRAW, "0.49")),
    (Code.AMOUNT_TOO_LARGE, "a deposit", movement(DEPOSIT, "1000.01")),
    (Code.AMOUNT_TOO_LARGE, "a withdrawal", movement(WITHDRAW, "100.01")),
    (Code.SEAL_INVALID, "for another command", sealed_for(command_id="another")),
    (Code.SEAL_INVALID, "for another user", sealed_for(username="another")),
    (Code.SEAL_INVALID, "replayed", blob_of_somebody_else),
    (Code.SEAL_INVALID, "damaged", damaged_blob),
    (Code.SEAL_INVALID, "not ours at all", registration(sealed_password="a..b.c.d")),
    (Code.SEAL_INVALID, "for another command's claim", claim_of_a_registration),
    (Code.PASSWORD_TOO_SHORT, "seven", registration("Zq3x9Kd")),
    (Code.PASSWORD_TOO_LONG, "257", registration("long" * 64 + "x")),
    (Code.PASSWORD_PERSONAL, "the username", personal_password),
    (Code.PASSWORD_COMMON, "on the list", registration("password123")),
    (Code.PASSWORD_HASH_UNSUPPORTED, "a password", registration_with_hash("correct horse")),
    (Code.PASSWORD_HASH_TOO_COSTLY, "a billion rounds", registration_with_hash(ENDLESS)),
    (Code.CLAIM_MALFORMED, "too short", claim_too_short),
    (Code.USERNAME_TAKEN, "twice", taken_username),
    (Code.USERNAME_TAKEN, "another's claim", wrong_claim),
    (Code.EMAIL_TAKEN, "in other letters", taken_email),
    (Code.EMAIL_TAKEN, "for a profile", taken_email_for_a_profile),
    (Code.UNKNOWN_ACCOUNT, "deposit", nobody(DEPOSIT)),
    (Code.UNKNOWN_ACCOUNT, "withdraw", nobody(WITHDRAW)),
    (Code.UNKNOWN_ACCOUNT, "a claim of none", claim_where_nothing_was_opened),
    (Code.UNKNOWN_ACCOUNT, "update-profile", nobody(UPDATE_PROFILE, first_name="X")),
    (Code.TOO_MANY_CURRENCIES, "a third", a_third_currency),
    (Code.BALANCE_TOO_LARGE, "a cent too much", too_much_altogether),
    (Code.INSUFFICIENT_FUNDS, "another currency", movement(WITHDRAW, "1", "JPY")),
    (Code.INSUFFICIENT_FUNDS, "nothing there", movement(WITHDRAW, "1.00", "EUR")),
]
"""Every code but `internal_error`, which takes a bug."""
