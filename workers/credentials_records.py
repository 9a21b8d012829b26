"""Records of `accounts.internal.credentials`: what waits to be hashed, or why it cannot be read."""

from dataclasses import dataclass

from pydantic import ValidationError

from contracts.registration import PendingCredential
from handlers.rendering import encoded
from workers.consuming.records import Raw
from workers.publishing import Outgoing


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An accepted registration, and the record that brought it."""

    record: Raw
    pending: PendingCredential

    def answer(self, results: str) -> Outgoing:
        """Return the accepted result as the ledger made it, addressed to the topic *results*."""
        return Outgoing(
            topic=results,
            key=self.pending.username.encode(),
            value=encoded(self.pending.result),
            headers=[(name, value.encode()) for name, value in self.pending.headers.items()],
        )


def read_waiting(record: Raw) -> Waiting | str:
    """Return what *record* asks for, or what is wrong with it; never any of its bytes."""
    if record.value is None:
        return "the record has no value"
    try:
        pending = PendingCredential.model_validate_json(record.value)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        known = PendingCredential.model_fields
        places = (str(problem["loc"][0]) if problem["loc"] else "record" for problem in problems)
        named = sorted({place if place in known else "record" for place in places})
        return f"not a pending credential: {', '.join(named)}"
    if record.key != pending.username.encode():
        return "the record's key is not its username"
    return Waiting(record=record, pending=pending)
