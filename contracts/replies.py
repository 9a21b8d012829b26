"""The answer to one request."""

from pydantic import Field

from contracts.events import Balances
from contracts.message import Instant, Published
from contracts.published import (
    STATUSES,
    PublishedId,
    PublishedStatus,
    PublishedUsername,
    known_values,
)
from contracts.queries import OutcomeAnswer, Page, ProfileAnswer
from contracts.requests import REQUESTS, request_name
from contracts.results import Error


class Reply(Published):
    """What a request was answered: of the optional fields, those of its type are there, or `error`."""

    request_id: PublishedId
    username: PublishedUsername
    type: str = known_values(
        map(request_name, REQUESTS),
        "The request's name. One that you do not know was sent by somebody else.",
    )
    status: PublishedStatus
    answered_at: Instant
    session_id: str | None = Field(default=None, description="Of a sign-in, beside its tokens.")
    sealed_tokens: str | None = Field(
        default=None, description="`Tokens`, sealed to `reply_key`, of a sign-in or refresh."
    )
    sessions_ended: int | None = Field(
        default=None, ge=0, description="By a logout or a change of password."
    )
    profile: ProfileAnswer | None = None
    balances: Balances | None = None
    page: Page | None = None
    outcome: OutcomeAnswer | None = None
    retry_after_s: int | None = Field(
        default=None, ge=1, description="With `too_many_attempts`: when it is tried again."
    )
    error: Error | None = Field(default=None, description="Of a rejected request.")

    @property
    def is_undecided(self) -> bool:
        """Whether its status is one that this release does not know: then nobody can say yet."""
        return self.error is None and self.status not in STATUSES
