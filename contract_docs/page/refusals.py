"""Which codes there are, and which messages each can be the answer to, as the document says."""

from dataclasses import dataclass
from typing import Any

from contract_docs.schemas import Json

CODES = "x-codes"
"""Keyword of the schema that describes every code."""
REFUSALS = "x-refusals"
"""Keyword of a message: the codes it can be refused with."""

MARKS = (
    ("recorded", "Final", "The refusal is recorded and the command id used up; of commands alone."),
    ("waitsForOtherCommands", "Waits", "The user's other commands are decided first."),
    ("deadLetter", "Dead letter", "The record is kept on the dead-letter topic too."),
    ("retryable", "Retry", "Sending it again under a new id may help."),
)
"""Key in the document, what is shown, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCode:
    """A code, and where it can occur."""

    code: str
    title: str
    meaning: str
    marks: list[tuple[str, str]]
    messages: list[str]
    """Names of the messages that say so themselves."""
    commands: bool
    """Whether commands are refused with it without saying so themselves."""


def shown_codes(document: Json) -> list[ShownCode]:
    """Return every code in order of precedence."""
    components = document["components"]
    messages: dict[str, Json] = components["messages"]
    described: list[dict[str, Any]] = [
        each for schema in components["schemas"].values() for each in schema.get(CODES, [])
    ]
    return [
        ShownCode(
            code=each["code"],
            title=each["title"],
            meaning=each["meaning"],
            marks=[(mark, said) for key, mark, said in MARKS if each.get(key)],
            messages=[name for name, message in messages.items() if each["code"] in _of(message)],
            commands=each.get("commands") is True,
        )
        for each in described
    ]


def _of(message: Json) -> list[str]:
    return message.get(REFUSALS, [])
