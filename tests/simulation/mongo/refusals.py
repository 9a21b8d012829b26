"""What the server answers instead of doing what it was asked."""

from typing import Any

from storage.mongo.documents.accounts import Document

NAMES = {
    2: "BadValue",
    9: "FailedToParse",
    13: "Unauthorized",
    14: "TypeMismatch",
    26: "NamespaceNotFound",
    27: "IndexNotFound",
    43: "CursorNotFound",
    48: "NamespaceExists",
    50: "MaxTimeMSExpired",
    59: "CommandNotFound",
    66: "ImmutableField",
    72: "InvalidOptions",
    85: "IndexOptionsConflict",
    86: "IndexKeySpecsConflict",
    91: "ShutdownInProgress",
    112: "WriteConflict",
    117: "ConflictingOperationInProgress",
    189: "PrimarySteppedDown",
    225: "TransactionTooOld",
    239: "SnapshotTooOld",
    246: "SnapshotUnavailable",
    251: "NoSuchTransaction",
    256: "TransactionCommitted",
    10107: "NotWritablePrimary",
    11000: "DuplicateKey",
    11600: "InterruptedAtShutdown",
    11601: "Interrupted",
}
"""The server's own names of its codes; those without one are called after their place in its source."""

TRANSIENT = "TransientTransactionError"
CONFLICT = 112
DUPLICATE = 11000
OVER = 251


class ServerError(Exception):
    """A command that was refused, by the code that the server has for it."""

    def __init__(self, code: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.more = more
        """Further fields of the reply, or of the write error."""
        self.is_transient = False
        """Whether the transaction may be tried again from its beginning."""

    def reply(self) -> Document:
        """Return what the client is sent."""
        reply: Document = {
            "ok": 0.0,
            "errmsg": str(self),
            "code": self.code,
            "codeName": NAMES.get(self.code, f"Location{self.code}"),
            **self.more,
        }
        return {"errorLabels": [TRANSIENT], **reply} if self.is_transient else reply


class ConflictError(ServerError):
    """Somebody else wrote the document, or has the key, since the snapshot or right now."""

    def __init__(self) -> None:
        super().__init__(
            CONFLICT,
            "WriteConflict error: this operation conflicted with another operation. Please retry "
            "your operation or multi-document transaction.",
        )


class NotHereError(Exception):
    """The simulated server lacks this: whoever needs it adds it, as the real one has it."""


def duplicate(namespace: str, index: str, pattern: Document, value: Document) -> ServerError:
    """Return the error of a key that is there already."""
    shown = ", ".join(f"{name}: {_shown(each)}" for name, each in value.items())
    return ServerError(
        DUPLICATE,
        f"E11000 duplicate key error collection: {namespace} index: {index} dup key: {{ {shown} }}",
        keyPattern=pattern,
        keyValue=value,
    )


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else "null" if value is None else str(value)


def over(number: int) -> ServerError:
    """Return the error of a transaction that was undone."""
    error = ServerError(OVER, f"Transaction with {{ txnNumber: {number} }} has been aborted.")
    error.is_transient = True
    return error
