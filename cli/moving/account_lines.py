"""One line of a file to the commands that move its account in, by the contract's own rules."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

import orjson
from pydantic import ConfigDict, Field, ValidationError

from cli.moving.command_ids import command_id
from cli.moving.lines import Line
from contracts.ledger import Deposit
from contracts.message import Message
from contracts.money import Amount, Currency, canonical
from contracts.problems import Problem, field_error
from contracts.registration import Open, Register
from handlers.model.house import OPENING
from handlers.wire.json_names import repeats_a_name
from workers.batches.unreadable import field_errors
from workers.credentials.imported_hashes import import_problem

_SEALED_LATER = "e30..e30.e30.e30"
"""In the place of a sealed field while the rest is checked."""

_NOT_OF_A_LINE = {"command_id", "sealed_password", "sealed_claim"}
"""Fields of commands that no line has: they are made here, or not at all."""

Checked = TypeVar("Checked", bound=Message)

Problems: TypeAlias = Sequence[Mapping[str, str]]


class AccountToOpen(NamedTuple):
    """What a line says, as commands."""

    line: int
    opening: Open | Register
    """Of a `Register` the password is not sealed yet."""
    password_hash: str | None
    deposits: Sequence[Deposit]
    """Of what there is anything of."""


class FaultyLine(NamedTuple):
    """A line that nothing is sent of, and why; never what it says."""

    line: int
    problems: Problems


class _Besides(Message):
    """What a line says beside the fields of `open` or `register`."""

    model_config = ConfigDict(extra="ignore")

    balances: dict[Currency, Amount] = Field(default_factory=dict)
    password_hash: str | None = Field(default=None, repr=False)


def read_account(line: Line, name: str) -> AccountToOpen | FaultyLine:
    """Return what *line* asks for in the import *name*, or every field that is wrong with it."""
    if line.text is None:
        return FaultyLine(line.number, [field_error("record", Problem.TOO_LONG)])
    try:
        said = orjson.loads(line.text)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict):
        return FaultyLine(line.number, [field_error("record", Problem.NOT_JSON)])
    said = cast("dict[str, Any]", said)
    if repeats_a_name(line.text, len(said)):
        return FaultyLine(line.number, [field_error("record", Problem.NAME_REPEATED)])
    besides = {key: said.pop(key) for key in _Besides.model_fields if key in said}
    read = _read(said, besides, name)
    if isinstance(read, list):
        return FaultyLine(line.number, read)
    opening, more = read
    return AccountToOpen(
        line.number, opening, more.password_hash, _deposits(opening.username, more.balances, name)
    )


def _read(
    said: dict[str, Any], besides: Mapping[str, Any], name: str
) -> tuple[Open | Register, _Besides] | list[Mapping[str, str]]:
    problems: list[Mapping[str, str]] = []
    if ours := _NOT_OF_A_LINE & said.keys():
        said = {key: value for key, value in said.items() if key not in ours}
        problems.append(field_error("unknown field", Problem.UNKNOWN_FIELD))
    kind: type[Open | Register] = Open
    if besides.get("password_hash") is not None:
        kind = Register
        said["sealed_password"] = _SEALED_LATER
    username = said.get("username")
    said["command_id"] = command_id(name, username if isinstance(username, str) else "")
    opening = _checked(kind, said, problems)
    more = _checked(_Besides, besides, problems)
    if more is not None and more.password_hash is not None:
        problem = import_problem(more.password_hash)
        if problem is not None:
            problems.append({"field": "password_hash", "code": problem.value})
    if opening is None or more is None or problems:
        return problems
    return opening, more


def _checked(
    kind: type[Checked], said: Mapping[str, Any], problems: list[Mapping[str, str]]
) -> Checked | None:
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        problems += field_errors(kind, error)
        return None


def _deposits(username: str, balances: Mapping[str, str], name: str) -> Sequence[Deposit]:
    # Checked as parts of `_Besides` and of the account that is opened, so not once more here.
    return [
        Deposit.model_construct(
            {"command_id", "username", "amount", "currency", "house"},
            command_id=command_id(name, username, currency),
            username=username,
            amount=amount,
            currency=currency,
            house=OPENING,
        )
        for currency, amount in balances.items()
        if canonical(amount) != "0"
    ]
