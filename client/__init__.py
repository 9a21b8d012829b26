"""What other services install to talk to accounts."""

from client.accounts import AccountsClient
from client.clock import fresh_command_id
from client.errors import (
    AccountsClientError,
    NoAnswerError,
    NotAcknowledgedError,
    NotSentError,
    OutcomeUnknownError,
    SequenceGapError,
    TopicMissingError,
    UnreachableError,
    UnreadableRecordError,
)
from client.following import Snapshot
from client.kafka import Security
from client.received import Received
from client.sealing import seal, sealing_key

__all__ = [
    "AccountsClient",
    "AccountsClientError",
    "NoAnswerError",
    "NotAcknowledgedError",
    "NotSentError",
    "OutcomeUnknownError",
    "Received",
    "Security",
    "SequenceGapError",
    "Snapshot",
    "TopicMissingError",
    "UnreachableError",
    "UnreadableRecordError",
    "fresh_command_id",
    "seal",
    "sealing_key",
]
