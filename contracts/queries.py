"""Questions about an account, and what their answers hold."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from contracts.entries import Entry
from contracts.message import CommandId, Day, Instant, Published
from contracts.money import Currency
from contracts.published import (
    EntryKind,
    PublishedUsername,
    known_values,
)
from contracts.request import Request
from contracts.results import Result

LIMIT_MAX = 200
"""Transactions on one page: a screenful many times over, and a record far below its bound."""

LIMIT_DEFAULT = 50

CURSOR_LENGTH_MAX = 256
"""Characters of a cursor: what we make has 32; the rest is room for later ones."""

Cursor: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=CURSOR_LENGTH_MAX, description="Opaque.")
]


class GetProfile(Request):
    """Ask who a user is."""


class GetBalance(Request):
    """Ask what an account holds, in one currency or in all."""

    currency: Currency | None = None


class GetOutcome(Request):
    """Ask what became of a command: the answer to a timeout."""

    command_id: CommandId


class ListTransactions(Request):
    """Ask for a page of an account's history."""

    currency: Currency | None = None
    kind: EntryKind | None = None
    from_: Annotated[Instant | None, Field(alias="from", description="Not earlier.")] = None
    to: Annotated[Instant | None, Field(description="Earlier than.")] = None
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Cursor | None = None
    order: Literal["newest", "oldest"] = "newest"


class ProfileAnswer(Published):
    """Who a user is."""

    account_id: str
    status: str = known_values(
        ("active", "pending"),
        "Pending: the password is still being hashed, nobody can sign in yet. An account opened "
        "without a sign-in is active at once. Of one that you do not know, a sign-in says what it is "
        "good for.",
    )
    email: str | None = Field(
        default=None,
        description="It and the names are there where the user registered; of an account opened "
        "without a sign-in, where somebody gave them.",
    )
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    date_of_birth: Day | None = None
    marketing_consent: bool
    opened_at: Instant


class Page(Published):
    """Some of an account's history. A page may be short, or empty, and still have a next one."""

    username: PublishedUsername
    transactions: tuple[Entry, ...] = Field(description="As the balance events said them.")
    next_cursor: str | None = Field(
        default=None, description="Opaque. Send it with the same filters; absent on the last page."
    )


class OutcomeAnswer(Published):
    """What became of a command."""

    state: str = known_values(
        ("decided", "pending"),
        "Pending: a registration that is accepted, and whose password is being hashed. Of one that "
        "you do not know, `result` says what there is to know.",
    )
    result: Result
