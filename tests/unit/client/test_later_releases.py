"""What a later release says is read by today's client: values, fields and ids that nobody knows yet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import orjson
import pytest
from pydantic import BaseModel

from client import sessions
from client.answers import Waiting
from client.errors import OutcomeUnknownError, RefusedError
from client.received import received
from contract_docs.schemas import PUBLISHED, SCHEMAS, schemas
from contracts.codes import Code, known_code
from contracts.headers import CE_TYPE
from contracts.ledger import Deposit
from contracts.published import KNOWN_VALUES
from contracts.registration import PendingCredential
from contracts.replies import Reply
from contracts.requests import AnyRequest
from contracts.results import Result
from tests.consumed import consumed
from tests.unit.client.test_sessions import Service, a_reply, an_error
from tests.unit.records import a_record, a_refusal_body, a_result_body
from tests.unit.sealed import NOON
from tests.wire.golden import FOLDER, SAID

LATER = "später/☂:1"
"""No value of today, and no id that a sender could use."""

MODELS = {kind: model for kind, model in SAID.items() if model is not PendingCredential}
"""What is published to others."""

CLOSED = {
    *(("BalanceChangedV1", name) for name in ("amount", "currency", "before", "after")),
    *(("BalanceChangedV1", name) for name in ("held", "available")),
    *(("Posting", name) for name in ("currency", "amount")),
    *(("BalanceState", name) for name in ("posted", "held", "overdraft", "available")),
    *((model, "balances") for model in ("Entry", "Balances")),  # by currency
    ("Tokens", "token_type"),  # RFC 6749 §7.1: a token of another type must not be used
}
"""The fields that are read as what they are, or not at all: money, and how a token is shown."""

CLOSING = {
    *("enum", "const", "pattern", "patternProperties", "propertyNames"),
    *(
        "minLength",
        "maxLength",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "maximum",
    ),
}
"""Keywords by which a reader refuses what a later release may say."""


def said(path: Path) -> tuple[str, Any]:
    golden = json.loads(path.read_text())
    value = golden["value"].encode("latin-1")
    kind = dict(golden["headers"]).get(CE_TYPE, "")
    return kind, json.loads(value) if kind in MODELS else None


MESSAGES = [
    pytest.param(kind, body, id=f"{path.parent.name}/{path.stem}")
    for path in sorted(FOLDER.rglob("*.json"))
    for kind, body in [said(path)]
    if kind in MODELS
]
SCHEMA = schemas()
OPEN = {
    (model, name)
    for model, schema in SCHEMA.items()
    for name, field in schema.get("properties", {}).items()
    if KNOWN_VALUES in (SCHEMA.get(field.get("$ref", "").rpartition("/")[2]) or field)
}
IDS = {"event_id", "command_id", "request_id", "account_id", "session_id", "related_id", "username"}
MAPS = {"balances", "metadata"}
"""Objects whose names are no fields of the contract's."""


def later(value: Any, name: str = "") -> Any:
    """Return *value*, of the field *name*, as a later release may say it."""
    if isinstance(value, list):
        return [later(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        known = {key: later(each, key) for key, each in cast("dict[str, Any]", value).items()}
        return known if name in MAPS else {**known, LATER: {"of": [LATER]}}
    return LATER if name in IDS | {open_one for _, open_one in OPEN} else value


def read(value: Any, name: str = "") -> Any:
    """Return what today's client has of *value*: all but the field it does not know."""
    if isinstance(value, list):
        return [read(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        known = cast("dict[str, Any]", value).items()
        return {key: read(each, key) for key, each in known if key != LATER}
    return "a time" if name.endswith("_at") else value


def closing(schema: Any) -> Iterator[str]:
    """Yield the keywords of *schema* that close it, however deep."""
    if isinstance(schema, list):
        for each in cast("list[Any]", schema):
            yield from closing(each)
    elif isinstance(schema, dict):
        yield from CLOSING & schema.keys()
        for each in cast("dict[str, Any]", schema).values():
            yield from closing(each)


def fields() -> Iterator[tuple[str, str, Any]]:
    """Yield every field of what is published, by model."""
    said: set[type[BaseModel]] = {*PUBLISHED} - {PendingCredential}
    names = {model.__name__ for model in said}
    found = schemas()
    while names:
        reached: set[str] = set()
        for model in names:
            for name, field in found[model].get("properties", {}).items():
                yield model, name, field
                reached |= {each for each in found if f'/{each}"' in json.dumps(field)}
        names = reached - names - {"Code"}


class TestEveryPublishedMessage:
    @pytest.mark.parametrize(("kind", "body"), MESSAGES)
    def test_is_read_whatever_a_later_release_says(self, kind: str, body: Any) -> None:
        changed = later(body)
        record = consumed("accounts.t", orjson.dumps(changed), headers=[(CE_TYPE, kind.encode())])

        message = received(record, MODELS[kind]).message

        passed_on = json.loads(message.model_dump_json(by_alias=True, exclude_unset=True))
        assert read(passed_on) == read(changed)

    def test_closes_no_field_that_will_grow(self) -> None:
        closed = {(model, name) for model, name, field in fields() if [*closing(field)]}

        assert closed <= CLOSED

    @pytest.mark.parametrize(("kind", "body"), MESSAGES)
    def test_says_nothing_that_is_not_listed(self, kind: str, body: Any) -> None:
        closed = json.loads(json.dumps(schemas()).replace(KNOWN_VALUES, "enum"))
        # Once, problems were called as the library calls them.
        del closed["Problem"]["enum"]
        reference = {"$ref": SCHEMAS + MODELS[kind].__name__}
        validator = jsonschema_rs.Draft7Validator({**reference, "components": {"schemas": closed}})

        assert list(validator.iter_errors(body)) == []

    def test_lists_what_it_says_today(self) -> None:
        assert {name for _, name in OPEN} == {
            *("kind", "type", "action", "status", "code", "outcome", "state", "reason", "problem")
        }


class TestAnUnknownCode:
    async def test_is_a_refusal(self) -> None:
        waiting = Waiting()
        withdrawal = Deposit(command_id="c-1", username="alice", amount="10.50", currency="USD")

        with waiting.expect(withdrawal, Result, "c-1") as answer:
            waiting.receive(a_record({**a_refusal_body(LATER), "type": "deposit"}))
            result = await answer

        assert result.error is not None
        assert not result.is_undecided
        assert result.error.code == LATER
        assert known_code(result.error.code) is None

    async def test_is_raised_by_a_sign_out(self, tmp_path: Path) -> None:
        def refused(request: AnyRequest) -> Reply:
            return a_reply(request, error=an_error(LATER))

        service = Service(tmp_path, refused)

        with pytest.raises(RefusedError) as refusal:
            await sessions.sign_out(service, service.keys, "alice", "token", now=NOON)

        assert refusal.value.error.code == LATER

    def test_is_told_from_those_of_today(self) -> None:
        result = Result.model_validate_json(orjson.dumps(a_refusal_body("insufficient_funds")))

        assert result.error is not None
        assert result.error.code == Code.INSUFFICIENT_FUNDS
        assert known_code(result.error.code) is Code.INSUFFICIENT_FUNDS


class TestAnUnknownStatus:
    @pytest.mark.parametrize(("status", "undecided"), [("accepted", False), (LATER, True)])
    def test_is_no_answer_yet(self, status: str, undecided: bool) -> None:  # noqa: FBT001
        result = Result.model_validate_json(orjson.dumps(a_result_body(status=status)))

        assert result.is_undecided is undecided

    def test_is_a_refusal_where_there_is_an_error(self) -> None:
        result = Result.model_validate_json(orjson.dumps({**a_refusal_body(), "status": LATER}))

        assert not result.is_undecided

    async def test_of_a_sign_out_leaves_its_outcome_unknown(self, tmp_path: Path) -> None:
        def undecided(request: AnyRequest) -> Reply:
            return a_reply(request, status=LATER)

        service = Service(tmp_path, undecided)

        with pytest.raises(OutcomeUnknownError, match="status"):
            await sessions.sign_out(service, service.keys, "alice", "token", now=NOON)
