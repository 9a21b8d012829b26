"""What can go wrong between a program and the service, and what the program may do about it."""

from contracts.message import Command


class AccountsClientError(Exception):
    """Something other than the service's own answer; each subclass says what is known."""


class UnreachableError(AccountsClientError):
    """Kafka does not answer, and nothing was sent."""


class TopicMissingError(AccountsClientError):
    """A topic does not exist, or may not be seen with these credentials; nothing was sent."""


class NotSentError(AccountsClientError):
    """Kafka refused the record for good, such as for its size or a missing permission."""


class OutcomeUnknownError(AccountsClientError):
    """The command may have been decided. Send the same again, with the same `command_id`."""

    def __init__(self, command: Command, what: str) -> None:
        self.command = command
        self.what = what
        super().__init__(
            f"{what} on command {command.command_id} of {command.username}: its outcome is "
            "unknown; send the same command again with the same command_id"
        )


class NotAcknowledgedError(OutcomeUnknownError):
    """Kafka did not acknowledge the command."""


class NoAnswerError(OutcomeUnknownError):
    """No answer came in time."""


class UnreadableRecordError(AccountsClientError):
    """A record on a topic of the service does not match the contract."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        super().__init__(
            f"{topic}, partition {partition}, offset {offset} does not match the contract; "
            "who else writes there? Or is this client older than the service?"
        )


class SequenceGapError(AccountsClientError):
    """Balance events are missing: read the balances anew (`AccountsClient.snapshot`)."""

    def __init__(self, username: str, *, last: int, found: int) -> None:
        self.username = username
        self.last = last
        self.found = found
        super().__init__(
            f"balance events of {username} go from sequence {last} to {found}: some are missing; "
            "take a new snapshot and follow from there"
        )
