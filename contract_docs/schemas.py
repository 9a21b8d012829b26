"""JSON schemas of every message, from the models that parse and describe them."""

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from contracts.codes import CODES
from contracts.commands import COMMANDS
from contracts.dead_letters import WithheldValue
from contracts.entries import Entry
from contracts.events import AuditRecorded, BalanceChangedV1, Balances
from contracts.problems import Problem
from contracts.profile import UpdateProfile
from contracts.refusals import OF_REQUESTS_ALONE, REFUSALS
from contracts.registration import PendingCredential
from contracts.replies import Reply
from contracts.requests import REQUESTS, request_name
from contracts.results import Error, FieldError, Result
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
    PendingCredential,
)

Json = dict[str, Any]

OPENED = "x-opened"
"""Keyword of ours: what a sealed field holds."""
PROBLEMS = "x-problems"
"""Keyword of ours: what can be wrong with a field."""


def schemas() -> dict[str, Json]:
    """Return every schema by its model's name, sorted."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        *((model, "validation") for model in (*COMMANDS.values(), *REQUESTS.values())),
        *((model, "serialization") for model in PUBLISHED),
    ]
    _, document = models_json_schema(models, ref_template=SCHEMAS + "{model}")
    found: dict[str, Json] = {name: _tidy(each) for name, each in document["$defs"].items()}
    sent = {model.__name__ for model in (*COMMANDS.values(), *REQUESTS.values(), ReplyKey)}
    for name in found.keys() - sent:
        _without_null(found[name])
    _describe_changes(found[UpdateProfile.__name__])
    found[Reply.__name__]["properties"]["sealed_tokens"][OPENED] = {
        "$ref": SCHEMAS + Tokens.__name__
    }
    _share_codes(found)
    found[FieldError.__name__]["properties"]["problem"][PROBLEMS] = problems()
    return {name: found[name] for name in sorted(found)}


def _share_codes(found: dict[str, Json]) -> None:
    """Describe codes once, for all that have one: their list is long, and says what each means."""
    for model in (Error, AuditRecorded):
        properties = found[model.__name__]["properties"]
        found["Code"] = properties["code"] | {"x-codes": codes()}
        properties["code"] = {"$ref": SCHEMAS + "Code"}


def codes() -> list[Json]:
    """Return what every code means and how it is treated, in order of precedence."""
    return [
        {
            "code": code.value,
            "title": info.title,
            "meaning": info.meaning,
            "commands": code not in OF_REQUESTS_ALONE,
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


def _without_null(schema: Json) -> None:
    """Say of an optional published field what is true: it is absent, never null."""
    for name, each in schema.get("properties", {}).items():
        options = each.get("anyOf", [])
        kept = [option for option in options if option != {"type": "null"}]
        if len(kept) == 1 and len(options) > 1:
            rest = {key: value for key, value in each.items() if key not in ("anyOf", "default")}
            schema["properties"][name] = {**kept[0], **rest}


def _describe_changes(schema: Json) -> None:
    """The model's defaults stand for "absent"; a sender must not read them as values."""
    for name, each in schema["properties"].items():
        if name not in schema["required"]:
            each.pop("default", None)
    schema["minProperties"] = len(schema["required"]) + 1
