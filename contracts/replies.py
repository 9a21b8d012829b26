"""The answer to one request."""

from typing import Literal

from pydantic import Field

from contracts.events import Balances
from contracts.message import Instant, Published, Username
from contracts.queries import OutcomeAnswer, Page, ProfileAnswer
from contracts.registration import Sealed
from contracts.request import RequestId
from contracts.results import Error


class Reply(Published):
    """What a request was answered. Exactly one of the optional fields is there, or none."""

    request_id: RequestId
    username: Username
    type: str = Field(description="The request's name, such as `get-balance`.")
    status: Literal["accepted", "rejected"]
    answered_at: Instant
    session_id: str | None = Field(default=None, description="Of a sign-in, beside its tokens.")
    sealed_tokens: Sealed | None = Field(
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
