"""The AsyncAPI document as one page: plain HTML and CSS, nothing loaded from anywhere."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from contracts.topics import DAY_MS
from workers.asyncapi.channels import REPLY_CHANNEL
from workers.asyncapi.html import (
    EMPTY,
    Html,
    code_block,
    fold,
    inline,
    join,
    prose,
    table,
    tag,
)
from workers.asyncapi.page_schema import fields
from workers.asyncapi.schemas import SCHEMAS, Json

SHARED = (
    *("Code", "Entry", "Error", "FieldError", "BalanceState", "ReplyKey", "Tokens"),
    *("ProfileAnswer", "Page", "Transaction", "OutcomeAnswer"),
)
"""Schemas shown on their own, because fields of messages point to them."""

CODE_COLUMNS = (
    ("commands", "Commands", "Commands are refused with it."),
    ("requests", "Requests", "Requests are refused with it; each lists its codes."),
    ("recorded", "Final", "It is recorded and the command id is used up; of commands alone."),
    ("waitsForOtherCommands", "Waits", "The user's other commands are decided first."),
    ("deadLetter", "Dead letter", "The record is kept on the dead-letter topic too."),
    ("retryable", "Retry", "Sending it again under a new id may help."),
)
"""Key in the document, heading, and what a mark there says."""

STYLE = files("workers.asyncapi").joinpath("style.css").read_text()
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy: this style sheet and nothing else, no script, no form."""


def render(document: Json) -> str:
    """Return the page."""
    info = document["info"]
    sections = [
        (described["name"], _of_tag(document, described["name"]), described["description"])
        for described in info["tags"]
    ]
    body = [
        tag(
            "header", tag("h1", info["title"]), tag("span", f"version {info['version']}"), _links()
        ),
        tag("nav", *_contents(sections), aria_label="Contents"),
        tag(
            "main",
            tag("section", prose(info["description"]), _servers(document), id="introduction"),
            *(_section(document, *section) for section in sections),
            tag("section", tag("h2", "Shared schemas"), *_schemas(document), id="schemas"),
            _codes(document),
            _problems(document),
        ),
    ]
    head = [
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", f"{info['title']}: messages"),
        tag("style", Html(STYLE)),
    ]
    return f"<!doctype html>{tag('html', tag('head', *head), tag('body', *body), lang='en')}\n"


def _links() -> Html:
    return join(
        [
            tag("a", "AsyncAPI (YAML)", href="/asyncapi.yaml"),
            tag("a", "Sealing keys", href="/.well-known/sealing-keys.json"),
            tag("a", "Signing keys", href="/.well-known/jwks.json"),
            tag("a", "Health", href="/health"),
        ]
    )


def _of_tag(document: Json, name: str) -> list[str]:
    return [
        channel
        for channel, described in document["channels"].items()
        if {"name": name} in described["tags"]
    ]


def _address(document: Json, channel: str) -> str:
    return document["channels"][channel]["address"] or "(the topic in reply_to)"


def _contents(sections: Iterable[tuple[str, Sequence[str], str]]) -> Iterable[Html]:
    yield tag("a", "Introduction", href="#introduction")
    for name, channels, _ in sections:
        yield tag("a", name.capitalize(), href=f"#tag-{name}", class_="group")
        yield from (tag("a", channel, href=f"#{channel}") for channel in channels)
    yield tag("a", "Shared schemas", href="#schemas", class_="group")
    yield tag("a", "Codes", href="#codes", class_="group")
    yield tag("a", "Problems", href="#problems", class_="group")


def _servers(document: Json) -> Html:
    rows = [
        (name, tag("code", server["host"]), server["protocol"], server["description"])
        for name, server in document["servers"].items()
    ]
    return join([tag("h3", "Servers"), table(("Name", "Host", "Protocol", ""), rows)])


def _section(document: Json, name: str, channels: Sequence[str], text: str) -> Html:
    return tag(
        "section",
        tag("h2", name.capitalize()),
        tag("p", text),
        *(_channel(document, channel) for channel in channels),
        id=f"tag-{name}",
    )


def _channel(document: Json, channel: str) -> Html:
    described = document["channels"][channel]
    shown = [] if channel == REPLY_CHANNEL else list(described["messages"])
    return tag(
        "article",
        tag("h3", tag("a", _address(document, channel), href=f"#{channel}")),
        tag("p", tag("strong", described["title"]), ". ", inline(described["description"])),
        _facts(document, channel),
        *(_message(document["components"], name) for name in shown),
        id=channel,
    )


def _facts(document: Json, channel: str) -> Html:
    """Return how the topic is set up and where answers go, as a list of short facts."""
    facts: list[object] = []
    kafka = document["channels"][channel].get("bindings", {}).get("kafka")
    if kafka is not None:
        config = kafka["topicConfiguration"] | kafka.get("x-topicConfiguration", {})
        facts.append(f"{kafka['partitions']} partitions")
        if "compact" in config["cleanup.policy"]:
            facts.append("compacted: the latest of each key")
        if "delete" in config["cleanup.policy"]:
            facts.append(f"kept {config['retention.ms'] // DAY_MS} days")
        facts.append(f"records up to {config['max.message.bytes'] // 1024} KiB")
        if "message.timestamp.type" in config:
            facts.append(config["message.timestamp.type"])
    for operation in document["operations"].values():
        if operation["channel"]["$ref"] == f"#/channels/{channel}" and "reply" in operation:
            answer = operation["reply"]["messages"][0]["$ref"].rpartition("/")[2]
            link = tag("a", answer, href=f"#schema-{answer}")
            facts.append(
                join(
                    ["answered by ", link, " on ", tag("code", "reply_to"), " or the results topic"]
                )
            )
    return tag("ul", *(tag("li", fact) for fact in facts), class_="facts") if facts else EMPTY


def _message(components: Json, name: str) -> Html:
    message = components["messages"][name]
    payload = message["payload"]
    described: dict[str, str] = {}
    if "$ref" in payload:
        described = {"id": f"schema-{payload['$ref'].removeprefix(SCHEMAS)}"}
        payload = components["schemas"][payload["$ref"].removeprefix(SCHEMAS)]
    text = message.get("description", "")
    parts: list[object] = [
        tag("h4", message["title"], " ", tag("small", name, " · ", message["contentType"])),
        prose(text) if text else EMPTY,
        fields(payload),
    ]
    if "x-refusals" in message:
        parts.append(_refusals(message["x-refusals"]))
    if "headers" in message:
        parts.append(fold("Headers", fields(message["headers"])))
    for place, example in enumerate(message["examples"]):
        parts.append(_example(example, first=place == 0))
    return tag("div", *parts, class_="message", **described)


def _refusals(codes: Sequence[str]) -> Html:
    return tag("p", "Refused with ", join((tag("code", code) for code in codes), by=" "))


def _example(example: Json, *, first: bool) -> Html:
    parts = [code_block(example["payload"])]
    if "headers" in example:
        lines = "\n".join(f"{name}: {value}" for name, value in example["headers"].items())
        parts = [
            tag("p", "Headers", class_="label"),
            code_block(lines),
            tag("p", "Value", class_="label"),
            *parts,
        ]
    return fold(f"Example: {example['summary']}", *parts, unfolded=first)


def _schemas(document: Json) -> Iterable[Html]:
    schemas = document["components"]["schemas"]
    for name in SHARED:
        schema = schemas[name]
        body = tag("p", tag("a", "All codes", href="#codes")) if name == "Code" else fields(schema)
        described = prose(schema.get("description", "")) if name != "Code" else EMPTY
        yield tag("article", tag("h3", name), described, body, id=f"schema-{name}")


def _codes(document: Json) -> Html:
    rows = [
        (
            join([tag("code", code["code"]), tag("small", " ", code["title"])]),
            inline(code["meaning"]),
            *(
                tag("span", "●", title=said) if code[key] else EMPTY
                for key, _, said in CODE_COLUMNS
            ),
        )
        for code in document["components"]["schemas"]["Code"]["x-codes"]
    ]
    columns = ("Code", "Meaning", *(heading for _, heading, _ in CODE_COLUMNS))
    legend = [tag("li", tag("strong", heading), ": ", said) for _, heading, said in CODE_COLUMNS]
    return tag(
        "section",
        tag("h2", "Codes"),
        tag(
            "p",
            "Why a command or request was not accepted, in order of precedence: when several apply, "
            "the first is the answer.",
        ),
        tag("ul", *legend),
        table(columns, rows),
        id="codes",
        class_="codes",
    )


def _problems(document: Json) -> Html:
    described = document["components"]["schemas"]["FieldError"]["properties"]["problem"]
    return tag(
        "section",
        tag("h2", "Problems"),
        tag(
            "p", "What can be wrong with a field, as ", tag("code", "errors"), " of a refusal says."
        ),
        table(
            ("Problem", "Meaning"),
            [
                (tag("code", each["problem"]), inline(each["meaning"]))
                for each in described["x-problems"]
            ],
        ),
        id="problems",
    )
