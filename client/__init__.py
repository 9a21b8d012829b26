"""What other services install to talk to us; each name is loaded when it is first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.accounts import AccountsClient
    from client.blocking import SyncAccountsClient
    from client.clock import fresh_command_id
    from client.errors import (
        AccountsClientError,
        EmailTakenError,
        InsufficientFundsError,
        InvalidCredentialsError,
        NoAnswerError,
        NotAcknowledgedError,
        NotSentError,
        OutcomeUnknownError,
        PasswordRefusedError,
        RefusedError,
        SealingKeysError,
        SequenceGapError,
        SessionEndedError,
        TooManyAttemptsError,
        TopicMissingError,
        TopicReplacedError,
        UnknownAccountError,
        UnreachableError,
        UnreadableRecordError,
        UnreadableReplyError,
        UsernameTakenError,
    )
    from client.following import Snapshot
    from client.kafka import Security
    from client.received import Received
    from client.revocations import Revocations, RevocationsUnknownError
    from client.sealing import ReplyKeyPair, SealedTokensError, seal, sealing_key
    from client.sessions import change_password, refresh, sign_in, sign_out
    from client.signed_in import SignedIn
    from client.tokens import Claims, TokenError, TokenProblem, verify_access_token

__all__ = [
    "AccountsClient",
    "AccountsClientError",
    "Claims",
    "EmailTakenError",
    "InsufficientFundsError",
    "InvalidCredentialsError",
    "NoAnswerError",
    "NotAcknowledgedError",
    "NotSentError",
    "OutcomeUnknownError",
    "PasswordRefusedError",
    "Received",
    "RefusedError",
    "ReplyKeyPair",
    "Revocations",
    "RevocationsUnknownError",
    "SealedTokensError",
    "SealingKeysError",
    "Security",
    "SequenceGapError",
    "SessionEndedError",
    "SignedIn",
    "Snapshot",
    "SyncAccountsClient",
    "TokenError",
    "TokenProblem",
    "TooManyAttemptsError",
    "TopicMissingError",
    "TopicReplacedError",
    "UnknownAccountError",
    "UnreachableError",
    "UnreadableRecordError",
    "UnreadableReplyError",
    "UsernameTakenError",
    "change_password",
    "fresh_command_id",
    "refresh",
    "seal",
    "sealing_key",
    "sign_in",
    "sign_out",
    "verify_access_token",
]

_MODULES = {
    **{name: "errors" for name in __all__ if name.endswith("Error")},
    "AccountsClient": "accounts",
    "Claims": "tokens",
    "Received": "received",
    "ReplyKeyPair": "sealing",
    "Revocations": "revocations",
    "RevocationsUnknownError": "revocations",
    "SealedTokensError": "sealing",
    "Security": "kafka",
    "SignedIn": "signed_in",
    "Snapshot": "following",
    "SyncAccountsClient": "blocking",
    "TokenError": "tokens",
    "TokenProblem": "tokens",
    "change_password": "sessions",
    "fresh_command_id": "clock",
    "refresh": "sessions",
    "seal": "sealing",
    "sealing_key": "sealing",
    "sign_in": "sessions",
    "sign_out": "sessions",
    "verify_access_token": "tokens",
}
"""Name → the module that has it: who verifies tokens needs no Kafka, who sends no cryptography."""


if not TYPE_CHECKING:  # whoever misspells a name is to be told by the type checker

    def __getattr__(name: str) -> Any:
        """Load *name* (PEP 562)."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
