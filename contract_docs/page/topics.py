"""Every channel of the document as the page shows it: how it is set up, and its messages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from contract_docs.page.extensions import Extension, extensions
from contract_docs.page.fields import ShownField, ShownSchemas, Value, schema_name
from contract_docs.page.refusals import REFUSALS
from contract_docs.page.servers import ShownSecurity, security
from contract_docs.schemas import Json
from contracts.topics import DAY_MS

SHARED_MIN = 3
"""Lines of an extension that many topics may have alike, and that one of them shows for all."""

NO_ADDRESS = "(the topic in reply_to)"
"""Of a channel whose address a message tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHeaders:
    """The record headers of some messages."""

    id: str
    schema: str | None
    """The schema that is shown here."""
    messages: list[str]
    description: str
    fields: list[ShownField]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message, with all that a sender or reader of it must know."""

    name: str
    title: str
    description: str
    content_type: str
    schema: str | None
    """The schema that the message alone shows, so that links to it lead here."""
    payload: Value | None
    key: Value | None
    headers: ShownHeaders | None
    refusals: list[str]
    examples: list[Json]
    extensions: list[Extension]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChannel:
    """A topic."""

    id: str
    label: str
    address: str
    has_address: bool
    title: str
    description: str
    facts: list[str]
    answers: list[str]
    security: list[ShownSecurity]
    extensions: list[Extension]
    messages: list[ShownMessage]
    others: list[str]
    """Messages that an earlier topic shows."""


class ShownTopics:
    """The channels of a document, by tag; a message is shown at the first that has it."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._messages: Mapping[str, Json] = document["components"]["messages"]
        self._schemas = ShownSchemas(document["components"]["schemas"])
        self.headers: list[ShownHeaders] = []
        self._said_by: dict[str, str] = {}
        self._headers_by_text: dict[str, ShownHeaders] = {}
        self.shown: dict[str, ShownMessage] = {}

    def of_tag(self, name: str) -> list[ShownChannel]:
        """Return the channels under the tag *name*."""
        found = {
            key: channel
            for key, channel in self._document["channels"].items()
            if {"name": name} in channel.get("tags", [])
        }
        start = _shared_start([each["address"] for each in found.values() if each["address"]])
        return [self._channel(key, channel, start) for key, channel in found.items()]

    def _channel(self, key: str, channel: Json, start: str) -> ShownChannel:
        operations = list(self._operations(key))
        names = [schema_name(each["$ref"]) for each in channel.get("messages", {}).values()]
        found = [each for node in (channel, *operations) for each in extensions(node)]
        new = [name for name in names if name not in self.shown]
        return ShownChannel(
            id=key,
            label=(channel["address"] or key).removeprefix(start),
            address=channel["address"] or NO_ADDRESS,
            has_address=channel["address"] is not None,
            title=channel.get("title", key),
            description=channel.get("description", ""),
            facts=_facts(channel.get("bindings", {}).get("kafka")),
            answers=[
                schema_name(message["$ref"])
                for operation in operations
                for message in operation.get("reply", {}).get("messages", [])
            ],
            security=[each for one in operations for each in security(self._document, one)],
            extensions=[self._once(key, each) for each in found],
            messages=[self._message(name, self._messages[name]) for name in new],
            others=[name for name in names if name not in new],
        )

    def _once(self, channel: str, extension: Extension) -> Extension:
        """Return what *channel* says, or where the same was said before, unless that is as short."""
        first = self._said_by.setdefault(repr(extension), channel)
        if first == channel or len(extension.texts) < SHARED_MIN:
            return extension
        return replace(extension, same_as=first)

    def _operations(self, channel: str) -> Iterator[Json]:
        for operation in self._document["operations"].values():
            if operation["channel"]["$ref"] == f"#/channels/{channel}":
                yield operation

    def _message(self, name: str, message: Json) -> ShownMessage:
        payload = message.get("payload")
        key = message.get("bindings", {}).get("kafka", {}).get("key")
        schema = schema_name(payload["$ref"]) if payload and "$ref" in payload else None
        taken = {each.schema for each in self.shown.values()}
        self.shown[name] = ShownMessage(
            name=name,
            title=message.get("title", name),
            description=message.get("description", ""),
            content_type=message.get("contentType", ""),
            schema=schema if schema not in taken else None,
            payload=self._schemas.value(payload) if payload else None,
            key=self._schemas.value(key) if key else None,
            headers=self._headers(name, message.get("headers")),
            refusals=message.get(REFUSALS, []),
            examples=message.get("examples", []),
            extensions=extensions(message),
        )
        return self.shown[name]

    def _headers(self, name: str, schema: Json | None) -> ShownHeaders | None:
        """Return the headers of the message *name*, as those of others that have the same."""
        if schema is None:
            return None
        shown = self._headers_by_text.get(repr(schema))
        if shown is None:
            described, value = self._schemas.resolved(schema)
            shown = ShownHeaders(
                id=f"headers-{name}",
                schema=described,
                messages=[],
                description=value.get("description", ""),
                fields=self._schemas.fields(value),
            )
            self._headers_by_text[repr(schema)] = shown
            self.headers.append(shown)
        shown.messages.append(name)
        return shown


def _shared_start(addresses: list[str]) -> str:
    """Return what all *addresses* begin with, up to a dot."""
    parts = [each.split(".")[:-1] for each in addresses]
    shared = takewhile(lambda same: len(set(same)) == 1, zip(*parts, strict=False))
    return "".join(f"{part}." for part, *_ in shared)


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
