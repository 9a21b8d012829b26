"""Bodies of messages, drawn from the contract's own models: a new command or field needs nothing here.

What a field is called decides only where it is worth more than any value of its type would be.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from pydantic import BaseModel

from contracts.sealing import Purpose
from contracts.topics import TopicSpec
from tests.simulation.history import Record
from tests.simulation.keys import Sealing, reply_pair, sealed

USERS = ("alice", "bob", "carol", "dave")
"""Few, so that their commands meet."""

CURRENCIES = ("USD", "USD", "USD", "EUR", "JPY", "XTS")
"""One that most are in, one without decimals, and one that the service does not keep."""

OPTIONAL = 0.2
"""How often a field that may be left out is sent."""

PASSWORDS = ("correct horse battery", "wrong horse battery")


@dataclass(slots=True)
class Values:
    """Draws bodies."""

    random: Random

    def body(self, model: type[BaseModel], identity: Mapping[str, str]) -> dict[str, Any]:
        """Return a body of *model*; *identity* names its user and its id.

        Most are taken; a few are not, and must be refused.
        """
        schema = _schema(model)
        required = schema.get("required", [])
        names = [
            name
            for name in schema["properties"]
            if name not in identity and (name in required or self.random.random() < OPTIONAL)
        ]
        if not names and len(schema["properties"]) > len(identity):
            names = [self.random.choice([*schema["properties"].keys() - identity.keys()])]
        drawn = {name: self._field(model, name, schema, identity) for name in names}
        return {**identity, **{name: value for name, value in drawn.items() if value is not None}}

    def amount(self) -> str:
        """Return a small amount, so that sums meet limits."""
        return f"{self.random.randint(1, 90)}.{self.random.choice(('00', '50', '25'))}"

    def _field(
        self, model: type[BaseModel], name: str, schema: Any, identity: Mapping[str, str]
    ) -> Any:
        known = _KNOWN.get(name)
        if known is not None:
            return known(self, identity)
        if name.startswith("sealed_"):
            return self._sealed(model, name, identity)
        return self._of_type(_resolved(schema["properties"][name], schema))

    def _of_type(self, said: Any) -> Any:
        random = self.random
        match said:
            case {"examples": [*examples]} if examples:
                return random.choice(examples)
            case {"enum": [*values]}:
                return random.choice(values)
            case {"const": value}:
                return value
            case {"type": "boolean"}:
                return random.random() < 1 / 2
            case {"type": "integer"}:
                return random.randint(said.get("minimum", 0), said.get("maximum", 100))
            case {"type": "object"}:
                return {"note": random.choice("abc")}
            case {"type": "string"}:
                return f"text {random.randint(1, 9)}"
            case _:
                raise AssertionError(f"give {said} an example in its contract")

    def _sealed(self, model: type[BaseModel], name: str, identity: Mapping[str, str]) -> str | None:
        purpose = purpose_of(model, name)
        if purpose is None:
            return None
        identifier, username = (
            (identity[key] for key in identity if key != "username"),
            identity["username"],
        )
        to_reply = "reply_key" in model.model_fields
        secret = self.random.choice(PASSWORDS)
        return sealed(Sealing(secret, purpose, next(identifier), username, to_reply))


_KNOWN: Mapping[str, Callable[[Values, Mapping[str, str]], Any]] = {
    "amount": lambda values, _: values.amount(),
    "currency": lambda values, _: values.random.choice(CURRENCIES),
    "email": lambda values, of: _email(values.random, of["username"]),
    "expires_at": lambda values, _: values.random.choice(
        ("2032-01-01T00:00:00.000Z", "2030-01-01T00:00:00.000Z", *[_soon(values.random)] * 2)
    ),
    "reply_key": lambda _, __: reply_pair().public,
    "sealed_device_token": lambda _, __: None,
    "sealed_claim": lambda _, __: None,
    "cursor": lambda _, __: None,
}
"""Fields of which not any value will do."""


def _soon(random: Random) -> str:
    """Return a moment while senders send, give or take what clocks are wrong by."""
    return f"2031-01-01T00:00:0{random.randint(0, 9)}.{random.randint(0, 999):03}Z"


def _email(random: Random, username: str) -> str:
    """Return the user's own address, and seldom another's, who may have it already."""
    owner = username if random.random() < 0.9 else random.choice(USERS)
    return f"{owner}@example.com"


@cache
def _schema(model: type[BaseModel]) -> Any:
    return model.model_json_schema()


@cache
def purpose_of(model: type[BaseModel], name: str) -> Purpose | None:
    """Return what a sealed field of *model* is sealed for, by the contract's names for both."""
    message = "".join(f"-{c.lower()}" if c.isupper() else c for c in model.__name__).strip("-")
    found = [one for one in Purpose if one.value == f"{message}.{name}"]
    return found[0] if found else None


def _resolved(said: Any, schema: Any) -> Any:
    """Return what *said* comes to, without the null that it may be."""
    if "$ref" in said:
        return _resolved(schema["$defs"][said["$ref"].rpartition("/")[2]], schema)
    for either in said.get("anyOf", said.get("allOf", ())):
        if either.get("type") != "null":
            return {
                **_resolved(either, schema),
                **({"examples": said["examples"]} if "examples" in said else {}),
            }
    return said


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return *body* as it is sent."""
    return json.dumps(body).encode()


def a_record(topic: TopicSpec, body: Mapping[str, Any]) -> Record:
    """Return *body* on *topic*, keyed by its user."""
    return Record(topic=topic.name, key=body["username"].encode(), value=encoded(body))


def broken(good: Record, random: Random) -> Record:
    """Return what cannot be understood, made of a record that can."""
    value = good.value or b""
    return random.choice(
        (
            Record(topic=good.topic, key=good.key, value=None),
            Record(topic=good.topic, key=b"nobody", value=value),
            Record(topic=good.topic, key=good.key, value=value[:-1]),
            Record(topic=good.topic, key=None, value=value),
            Record(topic=good.topic, key=good.key, value=value[:-1] + b', "surplus": 1}'),
        )
    )
