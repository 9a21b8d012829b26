"""The answer to one command."""

from typing import get_args

from pydantic import Field

from contracts.commands import CommandName
from contracts.entries import Entry
from contracts.message import Instant, Published
from contracts.problems import Problem
from contracts.published import (
    STATUSES,
    PublishedCode,
    PublishedId,
    PublishedStatus,
    PublishedUsername,
    known_values,
)

ERROR_TYPE = "/accounts/errors#"
"""Start of an error's `type`, a relative URI reference as RFC 9457 §3.1.1 allows; the code follows."""


class FieldError(Published):
    """What is wrong with one field. Never repeats what was sent: it may be a password."""

    field: str = Field(description="Path of the field, with dots.")
    problem: str = known_values(
        Problem, "Stable key of the problem; read one that you do not know as `invalid`."
    )
    detail: str | None = Field(default=None, description="For people; may change.")


class Error(Published):
    """Why a command was not accepted, with RFC 9457's member names."""

    code: PublishedCode
    title: str
    detail: str = Field(description="For people; may change.")
    retryable: bool = Field(description="Sending it again under a new id may help.")
    type: str
    errors: tuple[FieldError, ...] = ()


class Result(Published):
    """What became of one command."""

    command_id: PublishedId
    username: PublishedUsername
    type: str = known_values(
        get_args(CommandName),
        "The command's name. One that you do not know was sent by somebody else.",
    )
    status: PublishedStatus
    duplicate: bool = Field(description="True where the command was decided before.")
    decided_at: Instant = Field(
        description="By the clock of the worker that decided. Of what was accepted it never goes "
        "back within an account: where another worker's clock is ahead and wrote last, its time "
        "stands here, as it may in a refusal. `expires_at` is compared with the worker's own clock."
    )
    account_id: str | None = Field(
        default=None, description="Of an account just opened or registered."
    )
    entry: Entry | None = Field(
        default=None,
        description="What an accepted deposit or withdrawal made, as the balance event says it.",
    )
    error: Error | None = Field(default=None, description="Of a rejected command.")

    @property
    def is_undecided(self) -> bool:
        """Whether its status is one that this release does not know: then nobody can say yet."""
        return self.error is None and self.status not in STATUSES
