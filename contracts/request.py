"""What every request that only asks, or signs in and out, has in common."""

from typing import Annotated, TypeAlias

from pydantic import ConfigDict, Field

from contracts.message import COMMAND_ID_PATTERN, Message, SignInName, Username

RequestId: TypeAlias = Annotated[
    str,
    Field(
        pattern=COMMAND_ID_PATTERN,
        description="Chosen by the sender. A sign-in or refresh is honoured once under it.",
        examples=["01JZX5Y7M2C9W5"],
    ),
]


class Request(Message):
    """A question or a sign-in. Unordered, and answered once; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")

    request_id: RequestId
    username: Username


class SignInRequest(Request):
    """What somebody asks who signs in here, or has."""

    username: SignInName
