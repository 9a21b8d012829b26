"""A document with all that AsyncAPI allows and the contract may come to use."""

from typing import Any

RIGHTS = [
    {"role": "sender", "topic": "one", "operations": ["Write", "Describe"]},
    {"role": "reader", "topic": "one", "operations": ["Read"]},
    {"role": "ledger", "group": "all", "operations": ["Read"]},
]
FOREIGN: dict[str, Any] = {
    "info": {
        "title": "foreign",
        "version": "1",
        "description": "Text.\n\n## Part\n\nMore.",
        "contact": {"name": "Us", "email": "us@example.com"},
        "license": {"name": "L", "url": "javascript:alert(1)"},
        "x-about": "Said of all.",
        "tags": [{"name": "both", "description": "What goes."}, {"name": "unused"}],
    },
    "servers": {
        "kafka": {
            "host": "{host}:9093",
            "variables": {"host": {"default": "kafka.example.com", "description": "A broker."}},
            "protocol": "kafka-secure",
            "security": [{"$ref": "#/components/securitySchemes/scram"}],
        },
        "sidecar": {
            "host": "sidecar.example.com",
            "pathname": "/keys",
            "protocol": "https",
            "description": "The keys.",
            "x-partitioners": {"librdkafka": "murmur2_random", "sarama": "set it"},
        },
    },
    "channels": {
        "one": {
            "address": "one",
            "messages": {"Made": {"$ref": "#/components/messages/Made"}},
            "tags": [{"name": "both"}],
            "x-who": ["operators", "auditors"],
        },
        "two": {
            "address": None,
            "title": "Two",
            "messages": {"Made": {"$ref": "#/components/messages/Made"}},
            "tags": [{"name": "both"}],
        },
    },
    "operations": {
        "sendOne": {
            "action": "send",
            "channel": {"$ref": "#/channels/one"},
            "security": [{"type": "plain", "description": "By `password`."}],
            "x-acl": {"topic": {"read": True, "as": "readers"}},
            "x-rights": RIGHTS,
        },
        "sendTwo": {
            "action": "send",
            "channel": {"$ref": "#/channels/two"},
            "x-rights": RIGHTS,
        },
    },
    "components": {
        "securitySchemes": {"scram": {"type": "scramSha512", "x-where": "In the vault."}},
        "schemas": {
            "Sent": {"type": "object", "properties": {"alone": {"type": "boolean"}}},
            "Code": {
                "type": "string",
                "x-codes": [{"code": "late", "title": "Late", "meaning": "Too late."}],
            },
        },
        "messages": {
            "Made": {
                "headers": {"$ref": "#/components/schemas/Sent"},
                "payload": {"oneOf": [{"type": "string", "x-note": "Any."}, {"type": "null"}]},
                "x-refusals": ["late"],
            }
        },
    },
}
