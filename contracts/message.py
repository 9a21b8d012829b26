"""What every message on the wire has in common: who, which command, and when."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationInfo,
)

from contracts.problems import Problem, wrong

USERNAME_PATTERN = r"^[A-Za-z0-9][!#-&(-+.0-9;-\[\]^_a-~-]{0,127}$"
"""Printable ASCII, so that UUIDs, e-mail addresses and subjects of other issuers fit as they are; 128
characters, as a command id. Without space, quotes, comma, slash, backslash and colon, which separate
names from what stands beside them in keys, lists, addresses and shells."""

SIGN_IN_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{2,31}$"
"""Lower case, so that no two who sign in here differ by case alone; 3 to 32 characters, as people type."""

COMMAND_ID_PATTERN = r"^[ -~]{1,128}$"
"""Printable ASCII, so that it survives every client, header and log unchanged."""

TEXT_LENGTH_MAX = 128
"""Characters in `reason` and `related_id`: enough for an id or a short remark, small enough to echo."""

METADATA_PAIRS_MAX = 16
"""Pairs in `metadata`: notes beside an entry, not a document store."""

METADATA_BYTES_MAX = 2048
"""UTF-8 bytes of all keys and values together, so that an entry stays small for ever."""


def _small(metadata: dict[str, str]) -> dict[str, str]:
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
    if size > METADATA_BYTES_MAX:
        raise wrong(Problem.TOO_LONG)
    return metadata


Username: TypeAlias = Annotated[
    str,
    Field(
        pattern=USERNAME_PATTERN,
        description="The user, case-sensitive. Also the record key. Never given out twice.",
        examples=["alice", "auth0|5f7c8ec7c33c6c004bbafe82"],
    ),
]

SignInName: TypeAlias = Annotated[
    str,
    Field(
        pattern=SIGN_IN_NAME_PATTERN,
        description="The user, by the name to sign in with. Also the record key.",
        examples=["alice"],
    ),
]

CommandId: TypeAlias = Annotated[
    str,
    Field(
        pattern=COMMAND_ID_PATTERN,
        description="Chosen by the sender and kept across retries: sending it again repeats the "
        "answer, not the effect.",
        examples=["01JZX5Y7M2C9W4"],
    ),
]

ShortText: TypeAlias = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX)]

Metadata: TypeAlias = Annotated[
    dict[str, str],
    Field(max_length=METADATA_PAIRS_MAX, description="Stored with the entry and echoed."),
    AfterValidator(_small),
]

ONCE_TAKEN: Mapping[str, bool] = {"once_taken": True}
"""Context for validating what an earlier release may have taken: only that is refused which cannot be
read. By it a repeat of a recorded command is still told from another content under its id."""

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII | re.IGNORECASE
)
"""RFC 3339 §5.6: a date, a time with seconds, and its offset from UTC."""


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not _RFC3339.fullmatch(value):
        raise wrong(Problem.NOT_A_TIME)
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise wrong(Problem.NOT_A_TIME) from None


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise wrong(Problem.NOT_A_TIME) from None


Instant: TypeAlias = Annotated[
    AwareDatetime,
    BeforeValidator(_read),
    AfterValidator(_in_utc),
    Field(description="RFC 3339, UTC, milliseconds.", examples=["2030-01-01T12:00:00.000Z"]),
]


_FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
"""RFC 3339 §5.6. Left to itself, pydantic reads a string of digits as seconds since 1970."""
_ANY_DATE = TypeAdapter(date)


def once_taken(info: ValidationInfo) -> bool:
    """Say whether what an earlier release took is to be read, whatever the rules are today."""
    return info.context is ONCE_TAKEN


def _read_day(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    if once_taken(info):
        return _ANY_DATE.validate_python(value)
    if not _FULL_DATE.fullmatch(value):
        raise wrong(Problem.NOT_A_DATE)
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise wrong(Problem.NOT_A_DATE) from None


Day: TypeAlias = Annotated[date, BeforeValidator(_read_day)]


class Message(BaseModel):
    """Frozen once built: a message is a fact about what was said."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        defer_build=True,  # when first used: a program that sends one command needs few of them
    )


class Command(Message):
    """A request that may be refused. Unknown fields are refused too."""

    model_config = ConfigDict(extra="forbid")

    command_id: CommandId
    username: Username


class Published(Message):
    """Something this service says. Readers must ignore fields they do not know."""

    model_config = ConfigDict(extra="ignore")


MOMENTS_MAX = 1024
"""Moments remembered as written: all that one batch decides bears the same."""


@lru_cache(maxsize=MOMENTS_MAX)
def rfc3339(moment: datetime) -> str:
    """Return *moment* as this service writes it: UTC, milliseconds, `Z` (RFC 3339 §5.6)."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
