"""JSON schemas of every message, from the models that parse and describe them."""

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from contract_docs import headers
from contract_docs.answers import STATUS
from contract_docs.naming import named
from contract_docs.rules import with_rules
from contracts.codes import CODES
from contracts.commands import COMMANDS, command_name
from contracts.dead_letters import WithheldValue
from contracts.entries import Entry
from contracts.events import AuditRecorded, BalanceChangedV1, Balances
from contracts.passwords import ChangePassword, Passwords
from contracts.problems import Problem
from contracts.profile import UpdateProfile
from contracts.refusals import COMMAND_REFUSALS, REFUSALS
from contracts.replies import Reply
from contracts.requests import REQUESTS, request_name
from contracts.results import Result
from contracts.sessions import ReplyKey, SessionRevoked, Tokens

SCHEMAS = "#/components/schemas/"

PUBLISHED: tuple[type[BaseModel], ...] = (
    Result,
    Entry,
    BalanceChangedV1,
    AuditRecorded,
    Balances,
    Reply,
    Tokens,
    SessionRevoked,
    WithheldValue,
)
SENT: tuple[type[BaseModel], ...] = (*COMMANDS.values(), *REQUESTS.values(), Passwords)

Json = dict[str, Any]

ORIGINAL_VALUE = "OriginalValue"
"""Name of the schema of what nobody understood."""
OPENED = "x-opened"
"""Keyword of ours: what a sealed field holds."""
PROBLEMS = "x-problems"
"""Keyword of ours: what can be wrong with a field."""


def schemas() -> dict[str, Json]:
    """Return every schema by its name, sorted; what generators make a type of has a name."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in SENT),
        *((model, "serialization") for model in PUBLISHED),
    ]
    _, document = models_json_schema(models, ref_template=SCHEMAS + "{model}")
    found: dict[str, Json] = {name: _tidy(each) for name, each in document["$defs"].items()}
    for name, each in found.items():
        _without_null(each, cleared=name == UpdateProfile.__name__)
        _with_typed_values(each)
    _describe_changes(found[UpdateProfile.__name__])
    sent = {*(model.__name__ for model in SENT), ReplyKey.__name__}
    for name, each in found.items():
        if name in sent:
            with_rules(each)
        else:
            _with_what_is_published(each)
    _open(found, Reply, "sealed_tokens", Tokens)
    _open(found, ChangePassword, "sealed_passwords", Passwords)
    found = named(found, SCHEMAS) | headers.schemas()
    found[ORIGINAL_VALUE] = {"type": "string", "description": "Any bytes."}
    found["Status"]["description"] = f"{STATUS} {found['Status']['description']}"
    found["Code"]["x-codes"] = codes()
    found["Problem"][PROBLEMS] = problems()
    return {name: {"title": name, **found[name]} for name in sorted(found)}


def _open(
    found: dict[str, Json], model: type[BaseModel], field: str, opened: type[BaseModel]
) -> None:
    """Say what a sealed field holds."""
    sealed = found[model.__name__]["properties"][field]
    sealed[OPENED] = {"$ref": SCHEMAS + opened.__name__}


def codes() -> list[Json]:
    """Return what every code means and how it is treated, in order of precedence."""
    return [
        {
            "code": code.value,
            "title": info.title,
            "meaning": info.meaning,
            "commands": [
                command_name(topic)
                for topic, refused in COMMAND_REFUSALS.items()
                if code in refused
            ],
            "requests": [
                request_name(topic) for topic, refused in REFUSALS.items() if code in refused
            ],
            "recorded": info.recorded,
            "deadLetter": info.dead_letter,
            "waitsForOtherCommands": info.depends_on_other_commands,
            "retryable": info.retryable,
        }
        for code, info in CODES.items()
    ]


def problems() -> list[Json]:
    """Return what every key of a field's problem means."""
    return [{"problem": problem.value, "meaning": problem.sentence} for problem in Problem]


def _tidy(schema: Any) -> Any:
    """Drop the titles that only repeat a property's name."""
    if isinstance(schema, list):
        return [_tidy(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    kept = cast("Json", schema).items()
    return {
        key: _tidy(each) for key, each in kept if not (key == "title" and isinstance(each, str))
    }


def _without_null(schema: Json, *, cleared: bool) -> None:
    """Say of an optional field that it may be absent, and of one that null clears how it is written."""
    for name, each in schema.get("properties", {}).items():
        options = each.get("anyOf", [])
        kept = [option for option in options if option != {"type": "null"}]
        if len(kept) == 1 and len(options) > 1:
            rest = {key: value for key, value in each.items() if key not in ("anyOf", "default")}
            schema["properties"][name] = {**kept[0], **rest}
            if cleared:
                schema["properties"][name]["type"] = [kept[0]["type"], "null"]


def _with_typed_values(schema: Json) -> None:
    """Say of a map what its values are in the one way from which generators make a type."""
    for each in schema.get("properties", {}).values():
        if "patternProperties" in each:
            [(pattern, values)] = each.pop("patternProperties").items()
            each["propertyNames"]["pattern"] = pattern
            each["additionalProperties"] = values


ALWAYS_WRITTEN = {"errors", "token_type"}
"""Published fields that the models have a default for, and that every message has had."""


def _with_what_is_published(schema: Json) -> None:
    """Say what is always written, which defaults hide, and that numbers may outgrow 32 bits."""
    for name, each in schema["properties"].items():
        each.pop("default", None)
        if name in ALWAYS_WRITTEN:
            schema["required"].append(name)
        if each.get("type") == "integer":
            each["format"] = "int64"


def _describe_changes(schema: Json) -> None:
    """The model's defaults stand for "absent"; a sender must not read them as values."""
    for name, each in schema["properties"].items():
        if name not in schema["required"]:
            each.pop("default", None)
    schema["minProperties"] = len(schema["required"]) + 1
