"""Records that nobody understood, as they are kept."""

import hashlib

from contract_docs.examples import NOON, OFFSET, Json
from contracts.codes import Code
from contracts.dead_letters import DlqHeader
from contracts.message import rfc3339
from contracts.refusals import OF_REQUESTS_ALONE

BAD = '{"command_id": "01JZX5Y7M2C9W6", "username": "alice", "amount": 10.5, "currency": "USD"}'
"""A deposit as it must not be sent."""


def dead_letters(prefix: str) -> list[Json]:
    """Return one kept record for each code with which one is kept."""
    return [
        {
            "summary": f"{code}: {code.info.title}",
            "headers": _dlq_headers(prefix, topic, code),
            "payload": BAD,
        }
        for code, topic in _kept("commands.deposit", "requests.get-balance").items()
        if code is not Code.UNSEALED_PASSWORD  # never kept as it was
    ]


def withheld_dead_letters(prefix: str) -> list[Json]:
    """Return what stands for a record of a topic that carries secrets, for each such code."""
    digest = hashlib.sha256(BAD.encode()).hexdigest()
    return [
        {
            "summary": f"{code}: {code.info.title}",
            "headers": _dlq_headers(prefix, topic, code),
            "payload": {
                "sha256": digest,
                "length": len(BAD),
                "topic": prefix + topic,
                "partition": 3,
                "offset": OFFSET,
            },
        }
        for code, topic in _kept("commands.register", "requests.login").items()
    ]


def _kept(command: str, request: str) -> dict[Code, str]:
    """Return each code that leaves a dead letter, with the topic that the record came from."""
    return {
        code: request if code in OF_REQUESTS_ALONE else command
        for code in Code
        if code.info.dead_letter
    }


def _dlq_headers(prefix: str, topic: str, code: Code) -> Json:
    return {
        DlqHeader.TOPIC: prefix + topic,
        DlqHeader.PARTITION: "3",
        DlqHeader.OFFSET: str(OFFSET),
        DlqHeader.TIMESTAMP: str(int(NOON.timestamp() * 1000)),
        DlqHeader.GROUP: "accounts-ledger" if topic.startswith("commands") else "accounts-queries",
        DlqHeader.CODE: code.value,
        DlqHeader.REASON: "amount: wrong_type",
        DlqHeader.ATTEMPTS: "1",
        DlqHeader.AT: rfc3339(NOON),
        DlqHeader.VERSION: "1.0.0",
    }
