"""What other services install to talk to accounts."""

from client.accounts import AccountsClient
from client.clock import fresh_command_id
from client.errors import (
    AccountsClientError,
    NoAnswerError,
    NotAcknowledgedError,
    NotSentError,
    OutcomeUnknownError,
    RefusedError,
    SequenceGapError,
    TopicMissingError,
    UnreachableError,
    UnreadableRecordError,
    UnreadableReplyError,
)
from client.following import Snapshot
from client.kafka import Security
from client.received import Received
from client.revocations import Revocations, RevocationsUnknownError
from client.sealing import ReplyKeyPair, SealedTokensError, seal, sealing_key
from client.sessions import SignedIn, change_password, refresh, sign_in, sign_out
from client.tokens import Claims, TokenError, TokenProblem, verify_access_token

__all__ = [
    "AccountsClient",
    "AccountsClientError",
    "Claims",
    "NoAnswerError",
    "NotAcknowledgedError",
    "NotSentError",
    "OutcomeUnknownError",
    "Received",
    "RefusedError",
    "ReplyKeyPair",
    "Revocations",
    "RevocationsUnknownError",
    "SealedTokensError",
    "Security",
    "SequenceGapError",
    "SignedIn",
    "Snapshot",
    "TokenError",
    "TokenProblem",
    "TopicMissingError",
    "UnreachableError",
    "UnreadableRecordError",
    "UnreadableReplyError",
    "change_password",
    "fresh_command_id",
    "refresh",
    "seal",
    "sealing_key",
    "sign_in",
    "sign_out",
    "verify_access_token",
]
