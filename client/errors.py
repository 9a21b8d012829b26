"""What can go wrong between a program and the service, and what the program may do about it."""

from collections.abc import Mapping

from aiokafka import TopicPartition

from client.questions import Asked
from contracts.codes import Code
from contracts.message import Command
from contracts.replies import Reply
from contracts.results import Error, Result


class AccountsClientError(Exception):
    """Something other than the service's own answer; each subclass says what is known."""


class UnreachableError(AccountsClientError):
    """Kafka does not answer, and nothing was sent."""


class TopicMissingError(AccountsClientError):
    """A topic does not exist, or may not be seen with these credentials; nothing was sent."""


class TopicReplacedError(AccountsClientError):
    """A topic was deleted and made again: what was read of it says nothing of what stands there."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(
            f"{topic} was deleted and made again while it was read; start anew, from a new "
            "snapshot where you keep balances"
        )


class NotSentError(AccountsClientError):
    """Kafka refused the record for good, such as for its size or a missing permission."""


class SealingKeysError(AccountsClientError):
    """The service's sealing keys cannot be had, and nothing was sent."""


class OutcomeUnknownError(AccountsClientError):
    """It may have been decided. Send the same again, with the same `command_id` or `request_id`."""

    def __init__(self, asked: Asked, what: str) -> None:
        self.asked = asked
        self.what = what
        kind, given = (
            ("command", asked.command_id)
            if isinstance(asked, Command)
            else ("request", asked.request_id)
        )
        super().__init__(
            f"{what} on {kind} {given} of {asked.username}: its outcome is unknown; send the same "
            f"{kind} again with the same {kind}_id"
        )


class NotAcknowledgedError(OutcomeUnknownError):
    """Kafka did not acknowledge the command or request."""


class NoAnswerError(OutcomeUnknownError):
    """No answer came in time."""


class RefusedError(AccountsClientError):
    """The service answered, and the answer is no."""

    def __init__(self, answer: Result | Reply, error: Error) -> None:
        self.answer = answer
        self.error = error
        """Why; its `code` is the stable key: one of `contracts.codes.Code`, or of a later release."""
        super().__init__(f"{answer.type} of {answer.username}: {error.code}: {error.detail}")

    @property
    def retry_after_s(self) -> int | None:
        """With `too_many_attempts`: when to try again."""
        return self.answer.retry_after_s if isinstance(self.answer, Reply) else None


class InsufficientFundsError(RefusedError):
    """Less is available than was asked for (`insufficient_funds`)."""


class UnknownAccountError(RefusedError):
    """There is no account of this name (`unknown_account`)."""


class UsernameTakenError(RefusedError):
    """There is an account of this name, or was (`username_taken`)."""


class EmailTakenError(RefusedError):
    """Another account uses this e-mail address (`email_taken`)."""


class PasswordRefusedError(RefusedError):
    """Nobody may choose this password: its `error.code` begins with `password_`."""


class InvalidCredentialsError(RefusedError):
    """Name and password do not belong together, or there is no such user (`invalid_credentials`)."""


class TooManyAttemptsError(RefusedError):
    """Signing in failed too often; wait for `retry_after_s` (`too_many_attempts`)."""


class SessionEndedError(RefusedError):
    """The session is over; sign in again (`session_ended`, `token_reused`)."""


_REFUSALS: Mapping[str, type[RefusedError]] = {
    Code.INSUFFICIENT_FUNDS: InsufficientFundsError,
    Code.UNKNOWN_ACCOUNT: UnknownAccountError,
    Code.USERNAME_TAKEN: UsernameTakenError,
    Code.EMAIL_TAKEN: EmailTakenError,
    Code.PASSWORD_TOO_SHORT: PasswordRefusedError,
    Code.PASSWORD_TOO_LONG: PasswordRefusedError,
    Code.PASSWORD_PERSONAL: PasswordRefusedError,
    Code.PASSWORD_COMMON: PasswordRefusedError,
    Code.INVALID_CREDENTIALS: InvalidCredentialsError,
    Code.TOO_MANY_ATTEMPTS: TooManyAttemptsError,
    Code.SESSION_ENDED: SessionEndedError,
    Code.TOKEN_REUSED: SessionEndedError,
}


def refused(answer: Result | Reply, error: Error) -> RefusedError:
    """Return *error* as what to raise: a type of its own where callers act upon the code."""
    return _REFUSALS.get(error.code, RefusedError)(answer, error)


class UnreadableReplyError(AccountsClientError):
    """A reply of the service does not match the contract, or cannot be opened with our key."""

    def __init__(self, reply: Reply, what: str) -> None:
        super().__init__(
            f"the reply {reply.request_id} to {reply.type} of {reply.username} {what}; is this "
            "client older than the service?"
        )


class UnreadableRecordError(AccountsClientError):
    """A record on a topic of the service does not match the contract."""

    def __init__(self, topic: str, partition: int, offset: int) -> None:
        self.partition = TopicPartition(topic, partition)
        self.next_offset = offset + 1
        """Where to go on after it, as after a `Received`."""
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
