"""The whole AsyncAPI 3.0 document, in an order that never changes, and FastStream's view of it."""

import json
from collections.abc import Mapping
from functools import cached_property, partial
from importlib.metadata import version
from typing import Any

import yaml
from faststream.specification import AsyncAPI

from contract_docs import messages
from contract_docs.channels import TAGS, channels, operations
from contract_docs.schemas import Json, schemas
from contract_docs.servers import SCHEMES, kafka_servers, servers
from contract_docs.text import description
from contracts.topics import INPUTS, PARTITIONS_DEFAULT, TOPICS

PREFIX_DEFAULT = "accounts."
VERSION = version("accounts")
TITLE = "accounts"
CONTACT = {
    "name": "Whoever runs the service",
    "url": "https://accounts.example.com/",
    "email": "accounts@example.com",
}
"""Names below example.com stand for those of whoever runs it (RFC 2606 §3)."""
LICENSE = {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}


def document(
    *,
    prefix: str = PREFIX_DEFAULT,
    bootstrap: str | None = None,
    partitions: int = PARTITIONS_DEFAULT,
) -> Json:
    """Return the contract of a service under this topic prefix, at these brokers or at any."""
    sent = {
        messages.name_of(spec): messages.sent(spec, prefix)
        for spec in TOPICS
        if spec.kind in INPUTS
    }
    said = {
        name: each for found in messages.published(prefix).values() for name, each in found.items()
    }
    return {
        "asyncapi": "3.0.0",
        "id": "urn:accounts",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": description(prefix),
            "contact": CONTACT,
            "license": LICENSE,
            "tags": [{"name": name, "description": text} for name, text in TAGS.values()],
        },
        "defaultContentType": "application/json",
        "servers": servers(bootstrap),
        "channels": channels(prefix, partitions, kafka_servers(bootstrap)),
        "operations": operations(prefix),
        "components": {
            "messages": sent | said,
            "schemas": schemas(),
            "securitySchemes": SCHEMES,
        },
    }


class _Plain(yaml.SafeDumper):
    """Writes everything out in full, and long texts as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    node = dumper.represent_str(text)
    node.style = "|" if "\n" in text else None
    return node


_Plain.add_representer(str, _string)


def to_yaml(written: Mapping[str, Any]) -> str:
    """Return *written* as YAML: the same document, the same text."""
    return yaml.dump(dict(written), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)


class _Written:
    """A finished document, as FastStream passes it on."""

    def __init__(self, written: Json) -> None:
        self._written = written

    @property
    def title(self) -> str:
        return self._written["info"]["title"]

    def to_jsonable(self) -> Any:
        return self._written

    def to_json(self) -> str:
        return json.dumps(self._written)

    def to_yaml(self) -> str:
        return to_yaml(self._written)


class Contract(AsyncAPI):
    """What FastStream shows as the application's specification: the contract's own document.

    FastStream's generated one lacks headers, replies, keys and examples, because the subscribers
    take raw records. Written when somebody asks: that takes longer than to connect, and few ask.
    """

    def __init__(
        self,
        *,
        prefix: str = PREFIX_DEFAULT,
        bootstrap: str | None = None,
        partitions: int = PARTITIONS_DEFAULT,
    ) -> None:
        super().__init__(title=TITLE, version=VERSION)
        self._write = partial(document, prefix=prefix, bootstrap=bootstrap, partitions=partitions)

    @cached_property
    def written(self) -> Json:
        """The document."""
        return self._write()

    def to_specification(self) -> _Written:
        """Return the document."""
        return _Written(self.written)
