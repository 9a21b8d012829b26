"""What a rule may answer: something that changes an account, or why nothing does."""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from contracts.codes import Code
from contracts.problems import in_short
from handlers.model.account import Profile
from handlers.model.outcome import BalanceChange


class Opened(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A new account."""

    profile: Profile


class ProfileChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A profile as it is from now on."""

    profile: Profile
    fields: tuple[str, ...]
    """Names of what changed: the audit trail says which, never what."""


class Moved(BalanceChange, frozen=True, kw_only=True, gc=False):
    """Money that came or went; what the account counts it as is not decided here."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why nothing changes, and a sentence about it for people."""

    code: Code
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    """As `contracts.problems.field_error` says each."""


def invalid_command(errors: Sequence[dict[str, str]]) -> Refused:
    """Say what is wrong with the fields of a command: no decision, so that its id stays free."""
    return Refused(code=Code.INVALID_COMMAND, detail=in_short(errors), errors=tuple(errors))


Decision: TypeAlias = Opened | ProfileChanged | Moved | Refused
