"""Every way to fail, as RFC 9457 problem details: the contract's codes, and a few of the gateway's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from contracts.codes import Code, known_code
from contracts.problems import Problem, field_error, in_short, problem_of
from contracts.results import ERROR_TYPE, Error, FieldError

MEDIA_TYPE = "application/problem+json"

PROBLEMS_MAX = 16
"""Field problems told in one answer, as the service itself tells."""

STATUS: Mapping[Code, HTTPStatus] = {
    Code.INVALID_COMMAND: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.INVALID_REQUEST: HTTPStatus.UNPROCESSABLE_ENTITY,
    # The gateway seals every password itself: this one is its own fault.
    Code.UNSEALED_PASSWORD: HTTPStatus.INTERNAL_SERVER_ERROR,
    Code.INTERNAL_ERROR: HTTPStatus.BAD_GATEWAY,
    Code.ACCOUNT_UNREADABLE: HTTPStatus.BAD_GATEWAY,
    # draft-ietf-httpapi-idempotency-key-header §2.7: a key used again with another payload.
    Code.COMMAND_ID_CONFLICT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.REQUEST_ID_CONFLICT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.EXPIRED: HTTPStatus.CONFLICT,
    Code.UNKNOWN_HOUSE_ACCOUNT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.CURRENCY_UNSUPPORTED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.AMOUNT_TOO_PRECISE: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.AMOUNT_TOO_SMALL: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.AMOUNT_TOO_LARGE: HTTPStatus.UNPROCESSABLE_ENTITY,
    # The key that the gateway sealed to is gone; it fetches the new one (`on_problem`). Of a
    # registration this is an outcome, and answered otherwise (`routes_auth.register`).
    Code.SEAL_INVALID: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.TOKEN_INVALID: HTTPStatus.UNAUTHORIZED,
    Code.SESSION_ENDED: HTTPStatus.UNAUTHORIZED,
    Code.TOKEN_SUPERSEDED: HTTPStatus.CONFLICT,
    Code.TOKEN_REUSED: HTTPStatus.UNAUTHORIZED,
    Code.TOO_MANY_ATTEMPTS: HTTPStatus.TOO_MANY_REQUESTS,
    Code.INVALID_CREDENTIALS: HTTPStatus.UNAUTHORIZED,
    Code.PASSWORD_TOO_SHORT: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.PASSWORD_TOO_LONG: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.PASSWORD_PERSONAL: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.PASSWORD_HASH_UNSUPPORTED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.PASSWORD_HASH_TOO_COSTLY: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.PASSWORD_COMMON: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.CLAIM_MALFORMED: HTTPStatus.UNPROCESSABLE_ENTITY,
    Code.USERNAME_TAKEN: HTTPStatus.CONFLICT,
    Code.EMAIL_TAKEN: HTTPStatus.CONFLICT,
    Code.UNKNOWN_ACCOUNT: HTTPStatus.NOT_FOUND,
    Code.TOO_MANY_CURRENCIES: HTTPStatus.CONFLICT,
    Code.BALANCE_TOO_LARGE: HTTPStatus.CONFLICT,
    Code.INSUFFICIENT_FUNDS: HTTPStatus.CONFLICT,
    Code.UNKNOWN_COMMAND: HTTPStatus.NOT_FOUND,
    Code.CURSOR_INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""The HTTP status of each of the service's refusals."""

TOKEN_CODES = {Code.TOKEN_INVALID, Code.SESSION_ENDED, Code.TOKEN_REUSED}
"""What RFC 6750 §3.1 calls `invalid_token`."""


class GatewayCode(StrEnum):
    """What fails before the service is asked, or on the way to it."""

    TOKEN_MISSING = "token_missing"  # noqa: S105 - a code
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    TOO_MANY_REQUESTS = "too_many_requests"
    NOT_JSON = "not_json"
    HTTP_ERROR = "http_error"
    UNAVAILABLE = "unavailable"
    NO_ANSWER = "no_answer"
    UNREADABLE_ANSWER = "unreadable_answer"
    GATEWAY_FAILED = "gateway_failed"


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="`/accounts/errors#<code>`, or `about:blank` for the gateway's.")
    title: str
    status: int
    detail: str = Field(description="For people; may change.")
    code: str = Field(description="The stable key, of the service or of the gateway.")
    retryable: bool = Field(description="Sending it again under a new id may help.")
    errors: tuple[FieldError, ...] = Field(default=(), description="What is wrong with each field.")
    command_id: str | None = Field(default=None, description="Of the command that was refused.")


@dataclass
class ProblemError(Exception):
    """Ends a request with a problem."""

    status: HTTPStatus
    code: str
    detail: str
    title: str = ""
    retryable: bool = False
    errors: tuple[FieldError, ...] = ()
    command_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Add the headers that the status asks for."""
        if self.status == HTTPStatus.UNAUTHORIZED:
            # RFC 9110 §11.6.1: a 401 says how to authenticate.
            self.headers.setdefault("WWW-Authenticate", _challenge(self.code))

    def response(self) -> JSONResponse:
        """Return it as the answer."""
        details = ProblemDetails(
            type="about:blank" if isinstance(self.code, GatewayCode) else ERROR_TYPE + self.code,
            title=self.title or self.status.phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            retryable=self.retryable,
            errors=self.errors,
            command_id=self.command_id,
        )
        content: Any = details.model_dump(mode="json", exclude_none=True)
        return JSONResponse(content, self.status, self.headers, MEDIA_TYPE)


def refused(
    error: Error, *, command_id: str | None = None, retry_after_s: int | None = None
) -> ProblemError:
    """Return the service's refusal as a problem."""
    code = known_code(error.code)
    # RFC 9110 §15: 400 is what every reader takes an unknown refusal for.
    status = HTTPStatus.BAD_REQUEST if code is None else STATUS[code]
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return ProblemError(
        status=status,
        code=error.code,
        detail=error.detail,
        title=error.title,
        retryable=error.retryable,
        errors=error.errors,
        command_id=command_id,
        headers=headers,
    )


def refusal(code: Code, detail: str, errors: tuple[FieldError, ...] = ()) -> ProblemError:
    """Return a refusal by the gateway that means what one of the service's codes means."""
    info = code.info
    return ProblemError(
        status=STATUS[code],
        code=code,
        detail=detail,
        title=info.title,
        retryable=info.retryable,
        errors=errors,
    )


def invalid(found: list[Any]) -> ProblemError:
    """Return what pydantic *found* wrong. Never what was sent: it may be a password."""
    problems = [(problem_of(str(each["type"])), each) for each in found[:PROBLEMS_MAX]]
    # A field we do not know is not named: its name was sent, and may be anything.
    return _invalid(
        field_error("unknown field" if key is Problem.UNKNOWN_FIELD else _place(each), key)
        for key, each in problems
    )


def repetitive() -> ProblemError:
    """Return that a body says two things under one name."""
    return _invalid([field_error("body", Problem.NAME_REPEATED)])


def twice(header: str) -> ProblemError:
    """Return that a header came more than once; which one was meant nobody can know."""
    detail = f"{header}: send it once"
    return refusal(Code.INVALID_REQUEST, detail, (FieldError(field=header, problem="sent twice"),))


def too_many(detail: str, retry_s: int) -> ProblemError:
    """Return that a source asks too much; nothing was done."""
    return ProblemError(
        status=HTTPStatus.TOO_MANY_REQUESTS,
        code=GatewayCode.TOO_MANY_REQUESTS,
        detail=detail,
        retryable=True,
        headers={"Retry-After": str(retry_s)},
    )


def unavailable(detail: str, retry_s: int = 1) -> ProblemError:
    """Return that something which the gateway needs is not there; nothing was done."""
    return ProblemError(
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        code=GatewayCode.UNAVAILABLE,
        detail=detail,
        retryable=True,
        headers={"Retry-After": str(retry_s)},
    )


async def on_problem(request: Request, error: Exception) -> JSONResponse:
    """Answer with a problem that was raised."""
    assert isinstance(error, ProblemError)
    if error.code == Code.SEAL_INVALID:
        # Sealed to a key that is gone: the next try is to have the new one.
        await request.app.state.gateway.seal_anew()
    return error.response()


async def on_invalid(_request: Request, error: Exception) -> JSONResponse:
    """Answer to a parameter that FastAPI refused."""
    assert isinstance(error, RequestValidationError)
    return invalid([*error.errors()]).response()


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer to what the routing refused, such as an unknown path or method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    return ProblemError(
        status, GatewayCode.HTTP_ERROR, status.description or status.phrase, headers=headers
    ).response()


async def on_failure(_request: Request, _error: Exception) -> JSONResponse:
    """Answer to a bug of ours; what it was stands in the log."""
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR, GatewayCode.GATEWAY_FAILED, "the gateway failed"
    ).response()


def _invalid(found: Iterable[dict[str, str]]) -> ProblemError:
    errors = [*found]
    told = tuple(FieldError.model_validate(error) for error in errors)
    return refusal(Code.INVALID_REQUEST, in_short(errors), told)


def _methods(request: Request) -> set[str]:
    # RFC 9110 §15.5.6: all that the path has; the routing names those of its first route only.
    path = getattr(request.scope.get("route"), "path_format", "")
    documented: Mapping[str, Any] = request.app.openapi()["paths"].get(path, {"get": None})
    methods = {method.upper() for method in documented}
    return methods | {"HEAD"} if "GET" in methods else methods


def _place(problem: Mapping[str, Any]) -> str:
    where = [str(part) for part in problem["loc"] if part not in {"query", "path", "header"}]
    return where[0] if where else "body"


def _challenge(code: str) -> str:
    # RFC 6750 §3.1: without a token, no error is named.
    return 'Bearer error="invalid_token"' if code in TOKEN_CODES else "Bearer"
