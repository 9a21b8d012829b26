"""The AsyncAPI document as one page: plain HTML and CSS, nothing loaded from anywhere."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup

from contract_docs.channels import REPLY_CHANNEL
from contract_docs.page_schema import meanings, required_first, schema_name
from contract_docs.schemas import Json
from contracts.topics import DAY_MS

CODE_COLUMNS = (
    ("commands", "Commands", "Commands are refused with it."),
    ("requests", "Requests", "Requests are refused with it; each lists its codes."),
    ("recorded", "Final", "It is recorded and the command id is used up; of commands alone."),
    ("waitsForOtherCommands", "Waits", "The user's other commands are decided first."),
    ("deadLetter", "Dead letter", "The record is kept on the dead-letter topic too."),
    ("retryable", "Retry", "Sending it again under a new id may help."),
)
"""Key in the document, heading, and what a mark there says."""

STYLE = files("contract_docs").joinpath("style.css").read_text()
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy: this style sheet and nothing else, no script, no form."""


def render(document: Json) -> str:
    """Return the page."""
    sections = [
        described | {"channels": _of_tag(document, described["name"])}
        for described in document["info"]["tags"]
    ]
    page = _environment().get_template("page.html")
    components = document["components"]
    messages = components["messages"].values()
    shown = {
        each[part]["$ref"] for each in messages for part in ("payload", "headers") if part in each
    }
    names = {schema_name(reference) for reference in shown}
    return page.render(
        info=document["info"],
        servers=document["servers"],
        components=components,
        sections=sections,
        shared=[name for name in components["schemas"] if name not in names],
        code_columns=CODE_COLUMNS,
        style=Markup(STYLE),  # noqa: S704 - a file of ours; escaped it would be another style sheet
    )


def inline(text: str) -> Markup:
    """Return one line of CommonMark as HTML."""
    return Markup(_markdown().renderInline(text))  # noqa: S704 - what is not markup is escaped


def markdown(text: str) -> Markup:
    """Return CommonMark, which AsyncAPI has descriptions be written in, as HTML."""
    return Markup(_markdown().render(text))  # noqa: S704 - what is not markup is escaped


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("contract_docs"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = cast("dict[str, Any]", environment.filters)  # typed as what Jinja2 brings only
    filters.update(
        indented=_indented,
        inline=inline,
        markdown=markdown,
        meanings=meanings,
        required_first=required_first,
        schema_name=schema_name,
    )
    return environment


@cache
def _markdown() -> MarkdownIt:
    """Return what turns CommonMark into HTML: neither HTML as it is nor what the page would load."""
    markdown = MarkdownIt("commonmark", {"html": False}).disable("image")
    markdown.core.ruler.push("below_h2", _below_h2)
    return markdown


def _below_h2(state: StateCore) -> None:
    """Make headings one step smaller: the page's own sections begin with an h2."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + 1, 6)}"


def _indented(value: Any) -> str:
    """Return *value* as indented JSON, or text as it is."""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _of_tag(document: Json, name: str) -> list[Json]:
    return [
        _channel(document, channel, described)
        for channel, described in document["channels"].items()
        if {"name": name} in described["tags"]
    ]


def _channel(document: Json, name: str, described: Json) -> Json:
    return {
        "name": name,
        "address": described["address"] or "(the topic in reply_to)",
        "title": described["title"],
        "description": described["description"],
        "facts": _facts(described.get("bindings", {}).get("kafka")),
        "answers": _answers(document, name),
        "messages": [] if name == REPLY_CHANNEL else list(described["messages"]),
    }


def _facts(kafka: Mapping[str, Any] | None) -> list[str]:
    """Return how the topic is set up."""
    if kafka is None:
        return []
    config = kafka["topicConfiguration"] | kafka.get("x-topicConfiguration", {})
    facts = [f"{kafka['partitions']} partitions"]
    if "compact" in config["cleanup.policy"]:
        facts.append("compacted: the latest of each key")
    if "delete" in config["cleanup.policy"]:
        facts.append(f"kept {config['retention.ms'] // DAY_MS} days")
    facts.append(f"records up to {config['max.message.bytes'] // 1024} KiB")
    if "message.timestamp.type" in config:
        facts.append(config["message.timestamp.type"])
    return facts


def _answers(document: Json, channel: str) -> list[str]:
    """Return the schemas of what is answered to the messages of *channel*."""
    return [
        schema_name(operation["reply"]["messages"][0]["$ref"])
        for operation in document["operations"].values()
        if operation["channel"]["$ref"] == f"#/channels/{channel}" and "reply" in operation
    ]
