"""With which codes each request can be refused."""

from contracts import topics
from contracts.codes import Code
from contracts.topics import TopicSpec

OF_REQUESTS_ALONE = frozenset(
    {
        Code.INVALID_REQUEST,
        Code.REQUEST_ID_CONFLICT,
        Code.TOKEN_INVALID,
        Code.SESSION_ENDED,
        Code.TOKEN_SUPERSEDED,
        Code.TOKEN_REUSED,
        Code.TOO_MANY_ATTEMPTS,
        Code.INVALID_CREDENTIALS,
        Code.UNKNOWN_COMMAND,
        Code.CURSOR_INVALID,
    }
)
"""No command is refused with them."""

_ANY = {
    Code.INVALID_REQUEST,
    Code.UNSEALED_PASSWORD,
    Code.INTERNAL_ERROR,
    Code.ACCOUNT_UNREADABLE,
}
"""Any record may hold what it should not: a password, too; and any account may be damaged."""
_SEALED = _ANY | {Code.REQUEST_ID_CONFLICT, Code.EXPIRED, Code.SEAL_INVALID}
_NEW_PASSWORD = {
    Code.PASSWORD_TOO_SHORT,
    Code.PASSWORD_TOO_LONG,
    Code.PASSWORD_PERSONAL,
    Code.PASSWORD_COMMON,
}
_PROVEN = {Code.TOO_MANY_ATTEMPTS, Code.INVALID_CREDENTIALS}
"""Where a password says who somebody is."""

_REFUSALS: dict[TopicSpec, set[Code]] = {
    topics.LOGIN: _SEALED | _PROVEN,
    topics.REFRESH: _SEALED
    | {Code.TOKEN_INVALID, Code.SESSION_ENDED, Code.TOKEN_SUPERSEDED, Code.TOKEN_REUSED},
    topics.LOGOUT: _SEALED | {Code.TOKEN_INVALID},
    topics.CHANGE_PASSWORD: _SEALED
    | _PROVEN
    | _NEW_PASSWORD
    | {Code.TOKEN_INVALID, Code.SESSION_ENDED},
    topics.GET_PROFILE: _ANY | {Code.UNKNOWN_ACCOUNT},
    topics.GET_BALANCE: _ANY | {Code.UNKNOWN_ACCOUNT},
    topics.GET_OUTCOME: _ANY | {Code.UNKNOWN_COMMAND},
    topics.LIST_TRANSACTIONS: _ANY | {Code.UNKNOWN_ACCOUNT, Code.CURSOR_INVALID},
}

REFUSALS: dict[TopicSpec, tuple[Code, ...]] = {
    topic: tuple(code for code in Code if code in codes) for topic, codes in _REFUSALS.items()
}
"""By request, in order of precedence."""
