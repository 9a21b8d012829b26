"""One request while it is being decided, and what was decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from contracts.codes import Code
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from handlers.model.session import Session
from storage.ports.credentials import Credential


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a request is to be answered, and what is stored together with that."""

    answer: Mapping[str, Any] | Refused
    at: datetime
    session_id: str | None = None
    """Of the session it opens, renews or uses, for the audit event."""
    opened: Sequence[Session] = ()
    changed: Sequence[Session] = ()
    credential: Credential | None = None
    relied_on: Credential | None = None
    locked_out: bool = False
    """It is the failure after which devices that are not known have to wait for long."""

    @property
    def ended(self) -> Sequence[Session]:
        """The sessions that it ends."""
        return [each for each in self.changed if each.ended_at is not None]


class Attempt(Protocol):
    """One request, for as long as it takes to store its answer."""

    @property
    def asked(self) -> RequestRecord:
        """What is asked."""
        ...

    async def draft(self) -> Draft | Refused:
        """Read and decide; after a lost race it is asked again.

        What may happen only once, such as counting a guess, it does once. A refusal by itself is
        not stored: nothing was tried, and the request's id stays free.
        """
        ...


def refusal(code: Code) -> Refused:
    """Return a refusal that says no more than its code: details would help whoever guesses."""
    return Refused(code=code, detail=code.info.meaning)
