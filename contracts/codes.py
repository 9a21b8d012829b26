"""Why a command was not accepted. A refused command changed nothing."""

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Listed by precedence: when several apply, the first is the answer."""

    INVALID_COMMAND = "invalid_command"
    INVALID_REQUEST = "invalid_request"
    UNSEALED_PASSWORD = "unsealed_password"
    INTERNAL_ERROR = "internal_error"
    ACCOUNT_UNREADABLE = "account_unreadable"
    COMMAND_ID_CONFLICT = "command_id_conflict"
    REQUEST_ID_CONFLICT = "request_id_conflict"
    EXPIRED = "expired"
    CURRENCY_UNSUPPORTED = "currency_unsupported"
    UNKNOWN_HOUSE_ACCOUNT = "unknown_house_account"
    AMOUNT_TOO_PRECISE = "amount_too_precise"
    AMOUNT_TOO_SMALL = "amount_too_small"
    AMOUNT_TOO_LARGE = "amount_too_large"
    SEAL_INVALID = "seal_invalid"
    TOKEN_INVALID = "token_invalid"
    SESSION_ENDED = "session_ended"
    TOKEN_SUPERSEDED = "token_superseded"
    TOKEN_REUSED = "token_reused"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    INVALID_CREDENTIALS = "invalid_credentials"
    PASSWORD_TOO_SHORT = "password_too_short"
    PASSWORD_TOO_LONG = "password_too_long"
    PASSWORD_PERSONAL = "password_personal"
    PASSWORD_COMMON = "password_common"
    PASSWORD_HASH_UNSUPPORTED = "password_hash_unsupported"
    PASSWORD_HASH_TOO_COSTLY = "password_hash_too_costly"
    CLAIM_MALFORMED = "claim_malformed"
    USERNAME_TAKEN = "username_taken"
    EMAIL_TAKEN = "email_taken"
    UNKNOWN_ACCOUNT = "unknown_account"
    TOO_MANY_CURRENCIES = "too_many_currencies"
    BALANCE_TOO_LARGE = "balance_too_large"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    UNKNOWN_COMMAND = "unknown_command"
    CURSOR_INVALID = "cursor_invalid"

    @property
    def info(self) -> "CodeInfo":
        """What this code means and how it is treated."""
        return CODES[self]


def known_code(code: str) -> Code | None:
    """Return the published *code* as one of ours; None where only a later release knows it."""
    return _BY_VALUE.get(code)


_BY_VALUE = {code.value: code for code in Code}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeInfo:
    """What a caller and the engine need to know of a code."""

    title: str
    meaning: str
    recorded: bool = True
    """The refusal is an outcome: final, and the id is used up."""
    dead_letter: bool = False
    """The record is kept on `accounts.dead-letters` too."""
    depends_on_other_commands: bool = False
    """The same user's other commands could lift it, so it waits for them first."""
    retryable: bool = False
    """Sending the same again, under a new id, may help."""


CODES: dict[Code, CodeInfo] = {
    Code.INVALID_COMMAND: CodeInfo(
        title="Invalid command",
        meaning="The record is not a command: malformed JSON, a missing, unknown or wrong field.",
        recorded=False,
        dead_letter=True,
    ),
    Code.INVALID_REQUEST: CodeInfo(
        title="Invalid request",
        meaning="The record is not a request: malformed JSON, a missing, unknown or wrong field.",
        recorded=False,
        dead_letter=True,
    ),
    Code.UNSEALED_PASSWORD: CodeInfo(
        title="Unsealed password",
        meaning="A password or a claim was sent readable. Seal it to the service's key, and change it.",
        recorded=False,
        dead_letter=True,
    ),
    Code.INTERNAL_ERROR: CodeInfo(
        title="Internal error",
        meaning="The service failed on this record. Nothing was changed; its operators are alerted.",
        recorded=False,
        dead_letter=True,
        retryable=True,
    ),
    Code.ACCOUNT_UNREADABLE: CodeInfo(
        title="Account unreadable",
        meaning="What is stored of this account, or of this command, is damaged. Nothing was "
        "changed; operators are alerted, and can replay the record once it is mended.",
        recorded=False,
        dead_letter=True,
        retryable=True,
    ),
    Code.COMMAND_ID_CONFLICT: CodeInfo(
        title="Command id conflict",
        meaning="This command id was used before, with another content.",
        recorded=False,
    ),
    Code.REQUEST_ID_CONFLICT: CodeInfo(
        title="Request id conflict",
        meaning="This request id was used before, with another content: perhaps by somebody else.",
        recorded=False,
    ),
    Code.EXPIRED: CodeInfo(
        title="Expired",
        meaning="The command was decided after its `expires_at`; a sign-in, refresh, logout or "
        "change of password is too old, or its `request_id` was used before.",
        retryable=True,
    ),
    Code.CURRENCY_UNSUPPORTED: CodeInfo(
        title="Currency unsupported",
        meaning="The service does not keep balances in this currency.",
    ),
    Code.UNKNOWN_HOUSE_ACCOUNT: CodeInfo(
        title="Unknown house account",
        meaning="The service has no house account of this name, or none that senders may name.",
    ),
    Code.AMOUNT_TOO_PRECISE: CodeInfo(
        title="Amount too precise",
        meaning="The amount has more decimals than the currency. Amounts are never rounded.",
    ),
    Code.AMOUNT_TOO_SMALL: CodeInfo(
        title="Amount too small",
        meaning="The amount is zero or below the configured minimum.",
    ),
    Code.AMOUNT_TOO_LARGE: CodeInfo(
        title="Amount too large",
        meaning="The amount is above the configured maximum.",
    ),
    Code.SEAL_INVALID: CodeInfo(
        title="Seal invalid",
        meaning="The sealed field cannot be opened, or was sealed for another command, user or "
        "purpose.",
        retryable=True,
    ),
    Code.TOKEN_INVALID: CodeInfo(
        title="Token invalid",
        meaning="The token is not one of ours, has expired, or belongs to another user.",
        recorded=False,
    ),
    Code.SESSION_ENDED: CodeInfo(
        title="Session ended",
        meaning="The session was ended, or has expired. Sign in again.",
        recorded=False,
    ),
    Code.TOKEN_SUPERSEDED: CodeInfo(
        title="Token superseded",
        meaning="The refresh token was spent a moment ago, by another request. Use the newer one.",
        recorded=False,
    ),
    Code.TOKEN_REUSED: CodeInfo(
        title="Token reused",
        meaning="The refresh token was spent before: somebody has a copy, so the session was ended.",
        recorded=False,
    ),
    Code.TOO_MANY_ATTEMPTS: CodeInfo(
        title="Too many attempts",
        meaning="Signing in failed too often, from this device or source, or on all devices that "
        "this user has never signed in on; wait.",
        recorded=False,
        retryable=True,
    ),
    Code.INVALID_CREDENTIALS: CodeInfo(
        title="Invalid credentials",
        meaning="Username and password do not belong together, or there is no such account.",
        recorded=False,
    ),
    Code.PASSWORD_TOO_SHORT: CodeInfo(
        title="Password too short", meaning="The password has fewer than 8 characters."
    ),
    Code.PASSWORD_TOO_LONG: CodeInfo(
        title="Password too long", meaning="The password has more than 256 characters."
    ),
    Code.PASSWORD_PERSONAL: CodeInfo(
        title="Password is personal", meaning="The password is the username or the e-mail address."
    ),
    Code.PASSWORD_COMMON: CodeInfo(
        title="Password too common", meaning="The password is on the list of common passwords."
    ),
    Code.PASSWORD_HASH_UNSUPPORTED: CodeInfo(
        title="Password hash unsupported",
        meaning="What was sealed as a password hash is none in a format that the service reads.",
    ),
    Code.PASSWORD_HASH_TOO_COSTLY: CodeInfo(
        title="Password hash too costly",
        meaning="To check this password hash would take more time or memory than the service gives a sign-in.",
    ),
    Code.CLAIM_MALFORMED: CodeInfo(
        title="Claim malformed",
        meaning="What was sealed as a claim is not 43 to 128 characters of base64url: 32 random bytes or "
        "more, without padding.",
    ),
    Code.USERNAME_TAKEN: CodeInfo(
        title="Username taken",
        meaning="An account with this username exists or existed; of a registration, also with one "
        "that differs in case alone. Who registers takes over one that was opened only with its claim.",
    ),
    Code.EMAIL_TAKEN: CodeInfo(
        title="E-mail taken", meaning="Another account uses this e-mail address."
    ),
    Code.UNKNOWN_ACCOUNT: CodeInfo(
        title="Unknown account",
        meaning="There is no account with this username.",
        depends_on_other_commands=True,
    ),
    Code.TOO_MANY_CURRENCIES: CodeInfo(
        title="Too many currencies",
        meaning="The account holds the configured maximum of currencies already.",
    ),
    Code.BALANCE_TOO_LARGE: CodeInfo(
        title="Balance too large",
        meaning="The balance would exceed the configured maximum.",
        depends_on_other_commands=True,
    ),
    Code.INSUFFICIENT_FUNDS: CodeInfo(
        title="Insufficient funds",
        meaning="The available balance is smaller than the amount.",
        depends_on_other_commands=True,
    ),
    Code.UNKNOWN_COMMAND: CodeInfo(
        title="Unknown command",
        meaning="No command of this user was decided under this id; perhaps it still will be.",
        recorded=False,
        retryable=True,
    ),
    Code.CURSOR_INVALID: CodeInfo(
        title="Cursor invalid",
        meaning="The cursor is not ours, or belongs to another user, order or filter.",
        recorded=False,
    ),
}
