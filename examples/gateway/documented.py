"""What the OpenAPI document says of each answer beside the good one."""

from typing import Any, TypeAlias

from examples.gateway.asking import KEY_HEADER, Undecided
from examples.gateway.problems import MEDIA_TYPE

Responses: TypeAlias = dict[int | str, dict[str, Any]]

_PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}


def _header(description: str, schema: str = "string", *, required: bool = True) -> dict[str, Any]:
    return {"description": description, "required": required, "schema": {"type": schema}}


_KEY = {KEY_HEADER: _header("The command's id; send the same again with it.")}
_RETRY = {"Retry-After": _header("Seconds to wait.", "integer")}
_CHALLENGE = {"WWW-Authenticate": _header("RFC 6750 §3.")}


def _problem(description: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"description": description, "content": _PROBLEM, "headers": headers or {}}


_AWAY: Responses = {
    400: _problem("Refused by a later release of the service, with a code that is new."),
    408: _problem("The body did not come in time."),
    413: _problem("The body is too large."),
    422: _problem("The request is invalid; `errors` says where."),
    429: _problem("Too many requests of this source at once, or too often.", _RETRY),
    500: _problem("The gateway failed."),
    502: _problem("The service failed, or answered what the gateway cannot read."),
    503: _problem("Something that is needed is not there, or not yet; nothing was done."),
}

QUERY: Responses = {
    **_AWAY,
    404: _problem("There is no such account or command."),
    504: _problem("The service did not answer in time; try again."),
}
"""Of a question."""

BODY: Responses = {
    415: _problem("The body is not JSON."),
    422: _problem("The request is invalid, or refused for what it says; `code` says why."),
}

REQUEST: Responses = {**_AWAY, **BODY, 504: QUERY[504]}
"""Of a sign-in, refresh, logout or change of password."""

LOGOUT: Responses = {**REQUEST, 409: _problem("The request is too old.")}
"""Of a logout."""

SIGNED_IN: Responses = {
    401: _problem("The access token is missing or no longer good.", _CHALLENGE),
}
"""Of all that needs a token."""

SIGN_IN: Responses = {
    **REQUEST,
    401: _problem("Not signed in: `code` says why.", _CHALLENGE),
    409: _problem("The token was spent a moment ago, or the request is too old."),
    429: _problem("Too many attempts, or too many requests of this source.", _RETRY),
}
"""Of all that checks a password or a refresh token."""

OPENING: Responses = {
    **_AWAY,
    **BODY,
    504: _problem("The service did not answer in time; send the same again."),
}
"""Of the opening of an account, which is told from an old one by its status."""

COMMAND: Responses = {
    **_AWAY,
    **BODY,
    202: {
        "model": Undecided,
        "description": "No answer in time. `Location` says where to ask what became of it.",
        "headers": {**_KEY, **_RETRY, "Location": _header("The outcome.")},
    },
    404: _problem("There is no such account."),
    409: _problem("Refused as things stand; `code` says why."),
}
"""Of a command."""

REGISTER: Responses = {
    **_AWAY,
    **BODY,
    202: {
        "model": Undecided,
        "description": "No answer in time. Send the same again with the same key.",
        "headers": {**_KEY, **_RETRY},
    },
    409: _problem(
        "Refused as things stand; `code` says why. After `seal_invalid` the key is used up: send "
        "it again with a new one."
    ),
}
"""Of a registration: there is no token yet to ask for the outcome with."""
