"""Every topic this service reads or writes, as data."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

PARTITIONS_DEFAULT = 12
"""Partitions of every topic. More is more parallelism; adding later moves users."""

RECORD_BYTES_MAX = 1024 * 1024
"""Largest record on an input topic: Kafka's usual bound, far above any command."""

WRITTEN_BYTES_MAX = RECORD_BYTES_MAX + 64 * 1024
"""Largest record that we write: an input's bytes with our headers beside them."""

WEEK_MS = 7 * 24 * 3600 * 1000
MONTH_MS = 30 * 24 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000


class Kind(StrEnum):
    """What a topic is to a caller."""

    COMMAND = "command"
    REQUEST = "request"
    PUBLISHED = "published"
    INTERNAL = "internal"


INPUTS = {Kind.COMMAND, Kind.REQUEST}
"""What others write and we read: the broker's time counts, not the sender's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One topic: its name after the prefix, and how it must be created."""

    name: str
    kind: Kind
    purpose: str
    key: str = "username"
    cleanup: Literal["delete", "compact", "compact,delete"] = "delete"
    retention_ms: int = WEEK_MS
    rank: int | None = None
    """Of ordered commands: who goes first when broker times tie (open, register, credits, others,
    debits)."""
    carries_secrets: bool = False
    """Its values never stand in a dead letter."""

    def config(self) -> dict[str, str]:
        """Return the topic-level settings Kafka must have."""
        common = {"cleanup.policy": self.cleanup}
        if self.kind in INPUTS:
            common["message.timestamp.type"] = "LogAppendTime"
            common["max.message.bytes"] = str(RECORD_BYTES_MAX)
        else:
            common["max.message.bytes"] = str(WRITTEN_BYTES_MAX)
        if self.cleanup == "compact,delete":
            return common | {"retention.ms": str(self.retention_ms)}
        if self.cleanup == "compact":
            # Longer than a sweep of the states, so that no late state outlives a newer one.
            return common | {"min.compaction.lag.ms": str(DAY_MS)}
        return common | {"retention.ms": str(self.retention_ms)}


OPEN = TopicSpec(
    name="commands.open",
    kind=Kind.COMMAND,
    purpose="Open an account without a sign-in",
    rank=0,
    carries_secrets=True,
)
REGISTER = TopicSpec(
    name="commands.register",
    kind=Kind.COMMAND,
    purpose="Open an account to sign in to",
    rank=1,
    carries_secrets=True,
)
DEPOSIT = TopicSpec(name="commands.deposit", kind=Kind.COMMAND, purpose="Add money", rank=2)
UPDATE_PROFILE = TopicSpec(
    name="commands.update-profile", kind=Kind.COMMAND, purpose="Change profile fields", rank=3
)
WITHDRAW = TopicSpec(name="commands.withdraw", kind=Kind.COMMAND, purpose="Take money", rank=4)
RESULTS = TopicSpec(name="results", kind=Kind.PUBLISHED, purpose="Answers that named no reply_to")
BALANCE_EVENTS = TopicSpec(
    name="events.balance",
    kind=Kind.PUBLISHED,
    purpose="Every change of a balance, in order",
    retention_ms=MONTH_MS,
)
AUDIT_EVENTS = TopicSpec(
    name="events.audit",
    kind=Kind.PUBLISHED,
    purpose="Who did what with which outcome",
    retention_ms=MONTH_MS,
)
BALANCES = TopicSpec(
    name="state.balances",
    kind=Kind.PUBLISHED,
    purpose="The latest balances of each account",
    cleanup="compact",
)
LOGIN = TopicSpec(
    name="requests.login", kind=Kind.REQUEST, purpose="Open a session", carries_secrets=True
)
REFRESH = TopicSpec(
    name="requests.refresh", kind=Kind.REQUEST, purpose="Renew its tokens", carries_secrets=True
)
LOGOUT = TopicSpec(
    name="requests.logout",
    kind=Kind.REQUEST,
    purpose="End one session, or all",
    carries_secrets=True,
)
CHANGE_PASSWORD = TopicSpec(
    name="requests.change-password",
    kind=Kind.REQUEST,
    purpose="Set a new password",
    carries_secrets=True,
)
GET_PROFILE = TopicSpec(name="requests.get-profile", kind=Kind.REQUEST, purpose="Ask who a user is")
GET_BALANCE = TopicSpec(
    name="requests.get-balance", kind=Kind.REQUEST, purpose="Ask what an account holds"
)
GET_OUTCOME = TopicSpec(
    name="requests.get-outcome", kind=Kind.REQUEST, purpose="Ask what became of a command"
)
LIST_TRANSACTIONS = TopicSpec(
    name="requests.list-transactions", kind=Kind.REQUEST, purpose="Ask for an account's history"
)
REVOCATIONS = TopicSpec(
    name="state.revocations",
    kind=Kind.PUBLISHED,
    purpose="Sessions that ended before their tokens expired",
    key="session id",
    cleanup="compact,delete",
    # Longer than any access token may live: a gateway that starts reads all that still matter.
    retention_ms=2 * DAY_MS,
)
CREDENTIALS = TopicSpec(
    name="internal.credentials",
    kind=Kind.INTERNAL,
    purpose="Sealed passwords on their way to be hashed",
    carries_secrets=True,
)
DEAD_LETTERS = TopicSpec(
    name="dead-letters",
    kind=Kind.PUBLISHED,
    purpose="Records that could not be understood",
    key="the original record's key",
    retention_ms=MONTH_MS,
)

TOPICS = (
    OPEN,
    REGISTER,
    DEPOSIT,
    UPDATE_PROFILE,
    WITHDRAW,
    LOGIN,
    REFRESH,
    LOGOUT,
    CHANGE_PASSWORD,
    GET_PROFILE,
    GET_BALANCE,
    GET_OUTCOME,
    LIST_TRANSACTIONS,
    RESULTS,
    BALANCE_EVENTS,
    AUDIT_EVENTS,
    BALANCES,
    REVOCATIONS,
    CREDENTIALS,
    DEAD_LETTERS,
)
ORDERED = tuple(topic for topic in TOPICS if topic.rank is not None)
"""The command topics that are decided in order per user."""

REPLIES = "replies."
"""After the prefix: start of the reply topics that callers own."""
