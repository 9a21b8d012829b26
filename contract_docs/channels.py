"""Every topic as a channel, and what this service does with it."""

from contract_docs import messages
from contract_docs.access import rights
from contract_docs.messages import BINDING
from contract_docs.schemas import Json
from contract_docs.servers import SECURITY
from contracts import headers
from contracts.topics import INPUTS, REPLIES, TOPICS, Kind, TopicSpec

PUBLIC = tuple(spec for spec in TOPICS if spec.kind is not Kind.INTERNAL)
"""What the service keeps to itself is no part of the contract."""

TAGS = {
    Kind.COMMAND: ("commands", "What you send: decided once, in order per user."),
    Kind.REQUEST: ("requests", "What you ask: answered once, in no order."),
    Kind.PUBLISHED: ("published", "What you read."),
}
DONE = {
    Kind.COMMAND: "You send it, and it is answered once by a `Result`.",
    Kind.REQUEST: "You send it, and it is answered once by a `Reply`.",
    Kind.PUBLISHED: "This service alone writes it, for you to read.",
}
"""What happens on a topic, and who does it."""

ANSWERS = {Kind.COMMAND: "Result", Kind.REQUEST: "Reply"}
"""What is sent → the message that answers it."""

REPLY_CHANNEL = "replies"


def channel_id(spec: TopicSpec) -> str:
    """Return the channel's name in the document: the topic's, without its prefix."""
    return spec.name.replace(".", "-")


def channels(prefix: str, partitions: int, servers: list[Json]) -> dict[str, Json]:
    """Return every channel by its id, each on all *servers*."""
    published = messages.published(prefix)
    found: dict[str, Json] = {}
    for spec in PUBLIC:
        names = [messages.name_of(spec)] if spec.kind in INPUTS else list(published[spec])
        found[channel_id(spec)] = {
            "address": prefix + spec.name,
            "title": spec.purpose,
            "description": f"Record key: {spec.key}.",
            "servers": servers,
            "messages": _refs(names),
            "tags": [{"name": TAGS[spec.kind][0]}],
            "bindings": {"kafka": _topic(spec, prefix, partitions)},
        }
    found[REPLY_CHANNEL] = {
        "address": None,
        "title": "Answers to a topic of your own",
        "description": f"Any topic named `{prefix}{REPLIES}…`, or what this service is configured "
        "to allow. You create it and read it; the header `reply_to` of a command or request names "
        "it. Whoever runs Kafka grants the service the right to write there, once for all topics "
        f"that begin with `{prefix}{REPLIES}` (`deploy/kafka-acls.sh` does), and you the right to "
        "read your own; nobody has to write for you. Give every caller a topic that it alone may "
        "read: replies hold profiles and balances.",
        "servers": servers,
        "messages": _refs([ANSWERS[Kind.COMMAND], ANSWERS[Kind.REQUEST]]),
        "tags": [{"name": TAGS[Kind.PUBLISHED][0]}],
    }
    return found


def _refs(names: list[str]) -> Json:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _topic(spec: TopicSpec, prefix: str, partitions: int) -> Json:
    config = spec.config()
    # The binding lists the policies one by one where Kafka has them in one string.
    known: Json = {"cleanup.policy": config["cleanup.policy"].split(",")}
    if "retention.ms" in config:
        known["retention.ms"] = int(config["retention.ms"])
    known["max.message.bytes"] = int(config["max.message.bytes"])
    rest = {name: value for name, value in config.items() if name not in known}
    return {
        "topic": prefix + spec.name,
        "partitions": partitions,
        "topicConfiguration": known,
        **({"x-topicConfiguration": rest} if rest else {}),
        "bindingVersion": BINDING,
    }


def operations(prefix: str) -> dict[str, Json]:
    """Return what this service receives and sends, by operation id."""
    published = messages.published(prefix)
    found: dict[str, Json] = {}
    for spec in PUBLIC:
        channel = channel_id(spec)
        if spec.kind in INPUTS:
            found[f"receive-{channel}"] = {
                **_operation("receive", spec, [messages.name_of(spec)], prefix),
                "reply": _reply(ANSWERS[spec.kind]),
            }
        else:
            found[f"send-{channel}"] = _operation("send", spec, list(published[spec]), prefix)
    return found


def _operation(action: str, spec: TopicSpec, names: list[str], prefix: str) -> Json:
    channel = channel_id(spec)
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": spec.purpose,
        "description": DONE[spec.kind],
        "security": SECURITY,
        "x-acl": rights(spec, prefix),
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
        "tags": [{"name": TAGS[spec.kind][0]}],
    }


def _reply(answer: str) -> Json:
    return {
        "address": {
            "description": "Without this header the answer goes to the results topic.",
            "location": f"$message.header#/{headers.REPLY_TO}",
        },
        "channel": {"$ref": f"#/channels/{REPLY_CHANNEL}"},
        "messages": [{"$ref": f"#/channels/{REPLY_CHANNEL}/messages/{answer}"}],
    }
