"""Strings in what we publish, open where they will grow: readers pass on what they do not know.

What others send has patterns, lengths and closed lists; what we say of it has none, so that no reader
refuses what a later release says ([why](../docs/decisions/0063-what-we-publish-is-open.md)).
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import Field

from contracts.codes import Code

KNOWN_VALUES = "x-extensible-enum"
"""Keyword for values that there are today, among which more may come."""

EntryKind: TypeAlias = Literal["deposited", "withdrawn"]
"""How a balance changed, as histories are filtered by it."""
Status: TypeAlias = Literal["accepted", "rejected"]
"""What became of a command or request."""

KINDS: tuple[EntryKind, ...] = get_args(EntryKind)
STATUSES: tuple[Status, ...] = get_args(Status)


def known_values(values: Iterable[str], meaning: str) -> Any:
    """Return the field of an open string: the *values* it has today, and what to make of another."""
    return Field(
        description=meaning, json_schema_extra={KNOWN_VALUES: [str(value) for value in values]}
    )


PublishedUsername: TypeAlias = Annotated[
    str,
    Field(
        description="The user, case-sensitive. Also the record key. Never given out twice.",
        examples=["alice", "auth0|5f7c8ec7c33c6c004bbafe82"],
    ),
]

PublishedId: TypeAlias = Annotated[
    str, Field(description="As the sender chose it, or one of ours.", examples=["01JZX5Y7M2C9W4"])
]

PublishedKind: TypeAlias = Annotated[
    str,
    known_values(
        KINDS,
        "How the account changed. One that you do not know changed it too: `postings` and "
        "`balances` are as true as of any other.",
    ),
]

PublishedStatus: TypeAlias = Annotated[
    str,
    known_values(
        STATUSES,
        "Read one that you do not know, where there is no `error`, as no answer: nobody can say yet. "
        "Do nothing that rests on it; send the same again later, or ask with `get-outcome`.",
    ),
]

PublishedCode: TypeAlias = Annotated[
    str,
    known_values(
        Code,
        "The stable key. Read one that you do not know as a refusal: nothing was changed, and "
        "`title`, `detail` and `retryable` say the rest.",
    ),
]
