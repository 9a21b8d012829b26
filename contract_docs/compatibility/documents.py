"""What the newer of two AsyncAPI documents breaks: channels, operations, messages and their fields."""

from collections.abc import Iterator
from dataclasses import dataclass

from contract_docs.compatibility.breaks import Affected, Break, Json
from contract_docs.compatibility.schemas import Schemas, resolved

ACTIONS = {"receive": Affected.SENDERS, "send": Affected.READERS}
"""What the service does with a channel → who is at its other end."""

ANSWERED = {
    "channel": "its answers go to another channel",
    "messages": "it is answered by another message",
}


@dataclass(frozen=True, slots=True)
class _Use:
    """A message of a channel, as those at the other end use it."""

    affected: Affected
    channel: str
    message: str


def breaks(old: Json, new: Json) -> list[Break]:
    """Return what breaks for those who hold *old* where *new* holds, in the order of *old*.

    What only becomes more, such as an optional field, breaks nobody.
    """
    found = [*_channels(old, new), *_operations(old, new), *_messages(old, new)]
    return [*dict.fromkeys(found)]


def _channels(old: Json, new: Json) -> Iterator[Break]:
    affected = {use.channel: use.affected for use in _uses(old)}
    for name, channel in old["channels"].items():
        if name not in affected:
            continue
        where, whom = _address(channel), affected[name]
        now = new["channels"].get(name)
        if now is None:
            yield Break(whom, where, "the channel is gone")
            continue
        if channel["address"] != now["address"]:
            yield Break(whom, where, f"its address is {_address(now)} now")
        for message in channel["messages"]:
            if message not in now["messages"]:
                yield Break(whom, f"{where}, {message}", "the message is gone")
        policies, policies_now = (_cleanup(each) for each in (channel, now))
        if policies != policies_now:
            yield Break(whom, where, f"its clean-up was {policies} and is {policies_now}")


def _operations(old: Json, new: Json) -> Iterator[Break]:
    for name, operation in old["operations"].items():
        whom, now = ACTIONS[operation["action"]], new["operations"].get(name)
        where = _address(resolved(old, operation["channel"]))
        if now is None:
            yield Break(whom, where, f"the operation {name} is gone")
            continue
        for key in ("action", "channel"):
            if operation[key] != now[key]:
                yield Break(whom, where, f"the {key} of the operation {name} is another one")
        for use in _of(operation["messages"], whom):
            if use not in _of(now["messages"], whom):
                yield Break(whom, f"{where}, {use.message}", "the message is gone")
        for what in _replies(operation.get("reply", {}), now.get("reply", {})):
            yield Break(whom, where, what)


def _replies(old: Json, new: Json) -> Iterator[str]:
    for key, what in ANSWERED.items():
        if old.get(key) != new.get(key):
            yield what
    place, place_now = (each.get("address", {}).get("location") for each in (old, new))
    if place != place_now:
        yield f"where to answer stood in {place} and stands in {place_now}"


def _messages(old: Json, new: Json) -> Iterator[Break]:
    places: dict[tuple[Affected, str], list[str]] = {}
    for use in _uses(old):
        channel = old["channels"][use.channel]
        places.setdefault((use.affected, use.message), []).append(_address(channel))
    for (affected, name), addresses in places.items():
        before = old["components"]["messages"][name]
        now = new["components"]["messages"].get(name)
        if now is not None:
            where = f"{' and '.join(dict.fromkeys(addresses))}, {name}"
            yield from _message(before, now, where, Schemas(old, new, affected))


def _message(before: Json, now: Json, where: str, schemas: Schemas) -> Iterator[Break]:
    whom = schemas.affected
    for key, said in (("contentType", "content type"), ("correlationId", "correlation id")):
        was, is_now = (_plain(each.get(key)) for each in (before, now))
        if was != is_now:
            yield Break(whom, where, f"its {said} was {was} and is {is_now}")
    key, key_now = (each["bindings"]["kafka"]["key"] for each in (before, now))
    if key["description"] != key_now["description"]:
        was, is_now = key["description"], key_now["description"]
        yield Break(whom, where, f"its record key was “{was}” and is “{is_now}”")
    parts = [
        ("record key", key, key_now),
        ("header", before.get("headers", {}), now.get("headers", {})),
        ("", before["payload"], now["payload"]),
    ]
    for part, old, new in parts:
        for path, what in schemas.differences(old, new):
            names = [*([part] if part else []), *([f"`{path}`"] if path else [])]
            yield Break(whom, ", ".join([where, *([" ".join(names)] if names else [])]), what)


def _uses(document: Json) -> list[_Use]:
    """Return every message that others send or read, by the operations."""
    found: list[_Use] = []
    for operation in document["operations"].values():
        found += _of(operation["messages"], ACTIONS[operation["action"]])
        found += _of(operation.get("reply", {}).get("messages", ()), Affected.READERS)
    return found


def _of(references: list[Json], affected: Affected) -> list[_Use]:
    places = [each["$ref"].split("/") for each in references]  # #/channels/…/messages/…
    return [_Use(affected, channel=place[2], message=place[4]) for place in places]


def _address(channel: Json) -> str:
    return channel["address"] or "the topic in reply_to"


def _cleanup(channel: Json) -> str | None:
    kafka = channel.get("bindings", {}).get("kafka", {})
    policies = kafka.get("topicConfiguration", {}).get("cleanup.policy")
    return policies and " and ".join(policies)


def _plain(value: Json | str | None) -> str | None:
    return value.get("location") if isinstance(value, dict) else value
