"""What callers may send: models built from the contract's types, read strictly and within a bound."""

import json
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from contracts.ledger import Movement
from contracts.message import Instant, Metadata, ShortText, SignInName
from contracts.money import Amount, Currency
from contracts.problems import Problem, wrong
from contracts.profile import DateOfBirth, Email, Name, Phone
from contracts.published import EntryKind
from contracts.queries import LIMIT_DEFAULT, LIMIT_MAX, Cursor
from examples.gateway.problems import GatewayCode, ProblemError, invalid, repetitive

PASSWORD_LENGTH_MAX = 512
"""Characters of a password: the service takes 256 and says so; this much can still be sealed."""

TOKEN_LENGTH_MAX = 256
"""Characters of a refresh token: the service's have 76."""

JSON = "application/json"

Password: TypeAlias = Annotated[
    SecretStr,
    Field(
        min_length=1, max_length=PASSWORD_LENGTH_MAX, examples=["a long sentence that I remember"]
    ),
]
"""Never shown by its own text: it stays hidden in logs and errors."""


class Body(BaseModel):
    """Frozen, strict, and without a field that nobody knows."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_enum_values=True
    )


class RegisterBody(Body):
    """Open an account."""

    username: SignInName
    email: Email
    first_name: Name
    last_name: Name
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    marketing_consent: bool = False
    password: Password


class LoginBody(Body):
    """Sign in."""

    username: SignInName
    password: Password


class RefreshBody(Body):
    """Exchange a refresh token for new tokens."""

    username: SignInName
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=TOKEN_LENGTH_MAX)]


class LogoutBody(Body):
    """End this session, or all of the user's."""

    everywhere: bool = False


class OpenBody(Body):
    """Nothing: the token says whose account it is, and the profile is set once there is one."""


class WholeProfile(Body):
    """All of a profile. An optional field that is absent is cleared."""

    email: Email
    first_name: Name
    last_name: Name
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    marketing_consent: bool = False


class ProfileChanges(Body):
    """Change the fields that are present. Absent is unchanged; null clears an optional one."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    email: Email = ""
    first_name: Name = ""
    last_name: Name = ""
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    marketing_consent: bool = False

    @model_validator(mode="after")
    def _changes_something(self) -> "ProfileChanges":
        if not self.model_fields_set:
            raise wrong(Problem.NOTHING_TO_CHANGE)
        return self


class PasswordBody(Body):
    """Change the password; every other session of the user ends."""

    password: Password
    new_password: Password


class MovementBody(Body):
    """Money to put in or take out; as `Deposit` and `Withdraw` of the contract say it."""

    amount: Amount
    currency: Currency
    expires_at: Instant | None = Field(
        default=None, description=Movement.model_fields["expires_at"].description
    )
    metadata: Metadata | None = None
    reason: ShortText | None = None
    related_id: ShortText | None = None


class OneCurrency(BaseModel):
    """All currencies, or one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    currency: Currency | None = None


class Filters(OneCurrency):
    """Which part of an account's history; as `ListTransactions` of the contract says it."""

    kind: EntryKind | None = None
    from_: Instant | None = Field(default=None, alias="from", description="Not earlier.")
    to: Instant | None = Field(default=None, description="Earlier than.")
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, le=LIMIT_MAX)
    cursor: Cursor | None = None
    order: Literal["newest", "oldest"] = "newest"


B = TypeVar("B", bound=Body)


def body(model: type[B], *, optional: bool = False) -> Any:
    """Return the dependency that reads a *model*; an *optional* body may be absent.

    FastAPI would parse JSON first and validate Python values then; this reads JSON as the
    contract does: strictly and in one step. How much comes is bounded before (`arriving`).
    """

    async def read(request: Request) -> B:
        content = await request.body()
        if not content and optional:
            return model()
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise ProblemError(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, GatewayCode.NOT_JSON, f"send {JSON}"
            )
        try:
            said = model.model_validate_json(content)
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
            raise invalid([*found]) from None
        try:
            json.loads(content, object_pairs_hook=_once)
        except ValueError:
            raise repetitive() from None
        return said

    reading: Callable[[Request], Awaitable[B]] = read
    return Depends(reading)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object in which each name stands once (RFC 8259 §4): else readers disagree on it."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def described(model: type[Body], *, optional: bool = False) -> dict[str, Any]:
    """Return how OpenAPI says what `body` reads."""
    content = {JSON: {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": not optional, "content": content}}
