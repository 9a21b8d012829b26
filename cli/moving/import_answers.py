"""The answers to an import's own commands, among all that stand on the results topic."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from client.kafka import Record
from contracts.headers import CORRELATION_ID


class _WrongField(msgspec.Struct, frozen=True, gc=False):
    field: str
    problem: str


class _Refusal(msgspec.Struct, frozen=True, gc=False):
    code: str
    errors: Sequence[_WrongField] = ()


class _AnswerRead(msgspec.Struct, frozen=True, gc=False):
    """As `contracts.results.Result`, as far as it is needed: there are two for each account."""

    command_id: str
    username: str
    type: str
    status: str
    duplicate: bool
    error: _Refusal | None = None


_DECODER = msgspec.json.Decoder(_AnswerRead)


class ImportAnswer(NamedTuple):
    """What became of one command."""

    command_id: str
    username: str
    duplicate: bool
    """It was decided in an earlier run."""
    refusals: Sequence[Mapping[str, str]]
    """Why it was refused: the code, and where fields are wrong, each of them; none of what was accepted."""


def answer_in(record: Record, correlation_id: bytes) -> ImportAnswer | None:
    """Return the answer in *record*, if it is to a command that this run sent.

    By its correlation id: of an earlier run there may still be answers on their way, to another content
    under the same ids. One whose status only a later release knows is none yet.
    """
    if (CORRELATION_ID, correlation_id) not in record.headers or record.value is None:
        return None
    try:
        result = _DECODER.decode(record.value)
    except msgspec.MsgspecError:
        return None
    if result.error is None:
        if result.status != "accepted":
            return None
        return ImportAnswer(result.command_id, result.username, result.duplicate, ())
    refusals = [*_refusals(result.type, result.error)]
    return ImportAnswer(result.command_id, result.username, result.duplicate, refusals)


def _refusals(command: str, refusal: _Refusal) -> Iterator[Mapping[str, str]]:
    said = {"command": command, "code": refusal.code}
    if not refusal.errors:
        yield said
    for each in refusal.errors:
        yield {**said, "field": each.field, "problem": each.problem}
