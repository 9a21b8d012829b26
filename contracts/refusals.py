"""With which codes each command and request can be refused."""

from collections.abc import Mapping

from contracts import topics
from contracts.codes import Code
from contracts.topics import TopicSpec

_ANY_COMMAND = {
    Code.INVALID_COMMAND,
    Code.UNSEALED_PASSWORD,
    Code.INTERNAL_ERROR,
    Code.ACCOUNT_UNREADABLE,
    Code.COMMAND_ID_CONFLICT,
}
_ANY_REQUEST = {
    Code.INVALID_REQUEST,
    Code.UNSEALED_PASSWORD,
    Code.INTERNAL_ERROR,
    Code.ACCOUNT_UNREADABLE,
}
"""Any record may hold what it should not: a password, too; and any account may be damaged."""
_SEALED = _ANY_REQUEST | {Code.REQUEST_ID_CONFLICT, Code.EXPIRED, Code.SEAL_INVALID}
_NEW_PASSWORD = {
    Code.PASSWORD_TOO_SHORT,
    Code.PASSWORD_TOO_LONG,
    Code.PASSWORD_PERSONAL,
    Code.PASSWORD_COMMON,
}
_HASH = {Code.PASSWORD_HASH_UNSUPPORTED, Code.PASSWORD_HASH_TOO_COSTLY}
"""Of a password that comes as its hash."""
_CLAIM = {Code.SEAL_INVALID, Code.CLAIM_MALFORMED}
_MOVEMENT = {
    Code.EXPIRED,
    Code.CURRENCY_UNSUPPORTED,
    Code.UNKNOWN_HOUSE_ACCOUNT,
    Code.AMOUNT_TOO_PRECISE,
    Code.AMOUNT_TOO_SMALL,
    Code.AMOUNT_TOO_LARGE,
    Code.UNKNOWN_ACCOUNT,
}
_PROVEN = {Code.TOO_MANY_ATTEMPTS, Code.INVALID_CREDENTIALS}
"""Where a password says who somebody is."""


def _by_precedence(refusals: Mapping[TopicSpec, set[Code]]) -> dict[TopicSpec, tuple[Code, ...]]:
    return {topic: tuple(code for code in Code if code in refusals[topic]) for topic in refusals}


COMMAND_REFUSALS = _by_precedence(
    {
        topics.OPEN: _ANY_COMMAND | _CLAIM | {Code.USERNAME_TAKEN, Code.EMAIL_TAKEN},
        topics.REGISTER: _ANY_COMMAND
        | _NEW_PASSWORD
        | _HASH
        | _CLAIM
        | {Code.USERNAME_TAKEN, Code.EMAIL_TAKEN, Code.UNKNOWN_ACCOUNT},
        topics.DEPOSIT: _ANY_COMMAND
        | _MOVEMENT
        | {Code.TOO_MANY_CURRENCIES, Code.BALANCE_TOO_LARGE},
        topics.UPDATE_PROFILE: _ANY_COMMAND | {Code.EMAIL_TAKEN, Code.UNKNOWN_ACCOUNT},
        topics.WITHDRAW: _ANY_COMMAND | _MOVEMENT | {Code.INSUFFICIENT_FUNDS},
    }
)
"""By command, in order of precedence."""

REFUSALS = _by_precedence(
    {
        topics.LOGIN: _SEALED | _PROVEN,
        topics.REFRESH: _SEALED
        | {Code.TOKEN_INVALID, Code.SESSION_ENDED, Code.TOKEN_SUPERSEDED, Code.TOKEN_REUSED},
        topics.LOGOUT: _SEALED | {Code.TOKEN_INVALID},
        topics.CHANGE_PASSWORD: _SEALED
        | _PROVEN
        | _NEW_PASSWORD
        | {Code.TOKEN_INVALID, Code.SESSION_ENDED},
        topics.GET_PROFILE: _ANY_REQUEST | {Code.UNKNOWN_ACCOUNT},
        topics.GET_BALANCE: _ANY_REQUEST | {Code.UNKNOWN_ACCOUNT},
        topics.GET_OUTCOME: _ANY_REQUEST | {Code.UNKNOWN_COMMAND},
        topics.LIST_TRANSACTIONS: _ANY_REQUEST | {Code.UNKNOWN_ACCOUNT, Code.CURSOR_INVALID},
    }
)
"""By request, in order of precedence."""

OF_REQUESTS_ALONE = frozenset(Code).difference(*COMMAND_REFUSALS.values())
"""No command is refused with them."""
