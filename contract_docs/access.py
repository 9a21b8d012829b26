"""Which rights in Kafka each operation needs, by role: as `deploy/kafka-acls.sh` grants them."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from contracts.topics import INPUTS, REPLIES, TopicSpec

Json = dict[str, Any]
Rights: TypeAlias = Mapping[str, tuple[str, ...]]
"""Topic without its prefix, or the start of several and a star → operations."""

_WORKER = {"*": ("Describe", "DescribeConfigs")}
_TAKES = ("Read",)
_SAYS = ("Write",)
_SENDS = ("Write", "Describe")
_READS = ("Read", "Describe")


def _each(names: str, operations: tuple[str, ...]) -> Rights:
    return dict.fromkeys(names.split(), operations)


SERVICE: Mapping[str, Rights] = {
    "ledger": {
        **_WORKER,
        "commands.*": _TAKES,
        **_each("results events.balance events.audit state.balances", _SAYS),
        **_each(f"internal.credentials dead-letters {REPLIES}*", _SAYS),
    },
    "identity": {
        **_WORKER,
        **_each("internal.credentials requests.login requests.refresh", _TAKES),
        **_each("requests.logout requests.change-password", _TAKES),
        **_each(f"results events.audit state.revocations dead-letters {REPLIES}*", _SAYS),
    },
    "query": {
        **_WORKER,
        **_each("requests.get-profile requests.get-balance", _TAKES),
        **_each("requests.get-outcome requests.list-transactions", _TAKES),
        **_each(f"results dead-letters {REPLIES}*", _SAYS),
    },
    "housekeeper": {**_WORKER, **_each("events.balance state.balances", _SAYS)},
}
"""The workers: those who receive and send what the operations say."""

CALLERS: Mapping[str, Rights] = {
    "sender": {
        "commands.*": _SENDS,
        **_each("requests.get-balance requests.get-outcome requests.list-transactions", _SENDS),
        **_each(f"results {REPLIES}sender*", _READS),
    },
    "gateway": {
        **_each("commands.* requests.*", _SENDS),
        **_each(f"{REPLIES}gateway* state.revocations", _READS),
    },
    "subscriber": _each("events.balance events.audit state.balances", _READS),
    "operator": {
        "*": ("Create", "Describe", "DescribeConfigs", "Alter", "AlterConfigs", "Read"),
    },
}
"""Those at the other end."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "ledger": ("accounts-ledger",),
    "identity": ("accounts-identity", "accounts-sign-ins", "accounts-sessions"),
    "query": ("accounts-queries",),
    "sender": ("accounts-sender*",),
    "gateway": ("accounts-gateway*",),
    "subscriber": ("accounts-subscriber*",),
}
"""The consumer groups that a role reads with, all with the operation Read."""


def rights(spec: TopicSpec, prefix: str) -> list[Json]:
    """Return what each role needs that takes part in the operation on *spec*, replies included."""
    taken, said = ("Read", "Write") if spec.kind in INPUTS else ("Write", "Read")
    found = [
        right for role in SERVICE for right in _of(role, SERVICE[role], spec.name, prefix, taken)
    ]
    others = [
        right
        for role in CALLERS
        if role != "operator"
        for right in _of(role, CALLERS[role], spec.name, prefix, said)
    ]
    # What nobody else reads is for who runs the service.
    return found + (others or _of("operator", CALLERS["operator"], spec.name, prefix, said))


def _of(role: str, given: Rights, topic: str, prefix: str, needed: str) -> list[Json]:
    """Return the rights of *role* to *topic* and with it, if it has the *needed* one."""
    own = {name: each for name, each in given.items() if _covers(name, topic)}
    if not any(needed in each for each in own.values()):
        return []
    replies = {name: each for name, each in given.items() if name.startswith(REPLIES)}
    with_it = replies if topic.startswith(_ANSWERED) else {}
    topics = [_right(role, "topic", prefix + name, each) for name, each in (own | with_it).items()]
    reads = needed == "Read"
    groups = [
        _right(role, "group", name, _TAKES) for name in GROUPS.get(role, ()) if reads or with_it
    ]
    return topics + groups


_ANSWERED = ("commands.", "requests.")
"""Starts of the topics whose records are answered."""


def _covers(name: str, topic: str) -> bool:
    return topic.startswith(name[:-1]) if name.endswith("*") else topic == name


def _right(role: str, kind: str, name: str, operations: tuple[str, ...]) -> Json:
    return {"role": role, kind: name, "operations": list(operations)}
