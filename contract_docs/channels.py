"""Every topic as a channel, and what this service does with it."""

from contract_docs import messages
from contract_docs.messages import BINDING
from contract_docs.schemas import Json
from contracts import headers, topics
from contracts.topics import INPUTS, REPLIES, TOPICS, Kind, TopicSpec

TAGS = {
    Kind.COMMAND: ("commands", "What you send: decided once, in order per user."),
    Kind.REQUEST: ("requests", "What you ask: answered once, in no order."),
    Kind.PUBLISHED: ("published", "What you read."),
    Kind.INTERNAL: ("internal", "What this service keeps to itself."),
}
DONE = {
    Kind.COMMAND: "You send it, and it is answered once by a `Result`.",
    Kind.REQUEST: "You send it, and it is answered once by a `Reply`.",
    Kind.PUBLISHED: "This service alone writes it, for you to read.",
    Kind.INTERNAL: "This service alone writes and reads it.",
}
"""What happens on a topic, and who does it."""

ANSWERS = {Kind.COMMAND: "Result", Kind.REQUEST: "Reply"}
"""What is sent → the message that answers it."""

REPLY_CHANNEL = "replies"


def channel_id(spec: TopicSpec) -> str:
    """Return the channel's name in the document: the topic's, without its prefix."""
    return spec.name.replace(".", "-")


def channels(prefix: str, partitions: int) -> dict[str, Json]:
    """Return every channel by its id."""
    published = messages.published(prefix)
    found: dict[str, Json] = {}
    for spec in TOPICS:
        names = [messages.name_of(spec)] if spec.kind in INPUTS else list(published[spec])
        found[channel_id(spec)] = {
            "address": prefix + spec.name,
            "title": spec.purpose,
            "description": f"Record key: {spec.key}.",
            "messages": _refs(names),
            "tags": [{"name": TAGS[spec.kind][0]}],
            "bindings": {"kafka": _topic(spec, prefix, partitions)},
        }
    found[REPLY_CHANNEL] = {
        "address": None,
        "title": "Answers to a topic of your own",
        "description": f"Any topic named `{prefix}{REPLIES}…`, or what this service is configured "
        "to allow. You create it and read it; the header `reply_to` of a command or request names "
        "it.",
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
    for spec in TOPICS:
        channel = channel_id(spec)
        if spec.kind in INPUTS:
            found[f"receive-{channel}"] = {
                **_operation("receive", spec, [messages.name_of(spec)]),
                "reply": _reply(ANSWERS[spec.kind]),
            }
        else:
            found[f"send-{channel}"] = _operation("send", spec, list(published[spec]))
    found[f"receive-{channel_id(topics.CREDENTIALS)}"] = _operation(
        "receive", topics.CREDENTIALS, list(published[topics.CREDENTIALS])
    )
    return found


def _operation(action: str, spec: TopicSpec, names: list[str]) -> Json:
    channel = channel_id(spec)
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "title": spec.purpose,
        "description": DONE[spec.kind],
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
