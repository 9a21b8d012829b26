"""Why a command or a request is not done: a returned code, never an exception."""

from collections.abc import Sequence

import msgspec

from contracts.codes import Code
from contracts.problems import in_short


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why nothing changes, and a sentence about it for people."""

    code: Code
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    """As `contracts.problems.field_error` says each."""
    retry_after_s: int | None = None
    """For requests alone: whoever asks again before is refused again."""


def invalid_command(errors: Sequence[dict[str, str]]) -> Refused:
    """Say what is wrong with the fields of a command: no decision, so that its id stays free."""
    return Refused(code=Code.INVALID_COMMAND, detail=in_short(errors), errors=tuple(errors))
