"""What a run leaves behind: every topic, every document in all its versions, and the senders' own journal.

Whatever was written anywhere has a number, in one order: records when they were appended, offsets when they were
committed, documents when their transaction was.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, cast

import orjson

from contracts.dead_letters import DlqHeader
from contracts.sealing import Purpose
from contracts.sessions import Tokens
from contracts.topics import DEAD_LETTERS, INPUTS, ORDERED, REPLIES, RESULTS, TOPICS
from tests.simulation.history import History, Record
from tests.simulation.kafka.cluster import OffsetCommit
from tests.simulation.keys import tokens_of

PREFIX = "accounts."
"""Before every topic's name."""

PARSED_MAX = 4096
"""Values that are read once: more than one history has."""

Document = Mapping[str, Any]

Versions = Sequence[tuple[int, Document | None]]
"""All of one document, each with its number, the oldest first; None where it was deleted."""


class Calm(NamedTuple):
    """The end of a run, when all is answered."""

    repeated_at: int
    """From this number on nothing came but repeats of what had been answered."""
    swept_from: int
    """From this number on the workers were stopped, and a housekeeper went over everything."""
    at_s: float
    """When that was, since 1970."""
    running: Collection[str]
    """The processes that ran until then."""
    met_unforeseen: bool
    """Whether some process met what nobody foresaw."""
    struck: int
    """How many calls fared badly."""
    generations: int
    """How often the ledger workers shared out their partitions anew."""


class Transaction(NamedTuple):
    """Who has committed one, and when."""

    process: str
    at_s: float
    """Since 1970, by the true time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A document that somebody has changed in the store, past the workers."""

    username: str
    """Whose it is: for this user less is promised from then on, and for all others the same."""
    is_forged: bool
    """Whether a balance was raised; else it is damaged."""
    collection: str
    id: str
    number: int
    """Of the change."""
    after: Versions = ()
    """What was written in its place later."""


@dataclass(frozen=True, slots=True)
class Stood:
    """One record as a reader of committed records finds it."""

    topic: str
    """After the prefix."""
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    number: int = 0

    @property
    def place(self) -> tuple[str, int, int]:
        """Where it stands: topic, partition, offset."""
        return self.topic, self.partition, self.offset

    def __str__(self) -> str:
        """Say where it stands."""
        return f"{self.topic}-{self.partition}@{self.offset}"

    @property
    def body(self) -> dict[str, Any]:
        """What it says; empty where it is no object."""
        return parsed(self.value)


@dataclass(frozen=True, slots=True)
class Sent:
    """One record that a sender sent, as the sender knows it."""

    sender: str
    record: Record
    partition: int
    sent_s: float
    acknowledged_s: float | None
    """None where nobody ever said that it stands there."""


@dataclass
class Evidence:
    """All of it."""

    history: History
    topics: Mapping[str, Sequence[Stood]]
    """By name after the prefix; of one partition in the order of its offsets."""
    unread: Sequence[str]
    """What no group has committed up to its end."""
    documents: Mapping[str, Sequence[Document]]
    """By collection."""
    sent: Sequence[Sent]
    commits: Sequence[OffsetCommit] = ()
    """In their order, of topics that are still the same; those without the prefix."""
    written: Mapping[str, Mapping[Any, Versions]] = field(
        default_factory=dict[str, Mapping[Any, Versions]]
    )
    """By collection and id."""
    transactions: Mapping[int, Transaction] = field(default_factory=dict[int, Transaction])
    """By the number of what they wrote."""
    calm: Calm | None = None
    times_ms: Mapping[int, int] = field(default_factory=dict[int, int])
    """When states were appended, by the broker's time: their own is their sender's. By number."""
    struck: Struck | None = None
    """Elsewhere its document stands as it was before."""
    remade: Collection[str] = ()
    """Topics of which there was another one of that name before; what that one held is gone."""
    answered: Sequence[Stood] = field(init=False)
    dead: Mapping[tuple[str, int, int], Sequence[Stood]] = field(init=False)

    def __post_init__(self) -> None:
        self.answered = sorted(
            (
                each
                for topic, records in self.topics.items()
                if topic == RESULTS.name or topic.startswith(REPLIES)
                for each in records
            ),
            key=lambda each: each.number,
        )
        dead: dict[tuple[str, int, int], list[Stood]] = {}
        for each in self.topics.get(DEAD_LETTERS.name, ()):
            dead.setdefault(place_of(each), []).append(each)
        self.dead = dead

    def is_dead(self, record: Stood) -> bool:
        """Say whether *record* has become a dead letter."""
        return self.dead_from(record) is not None

    def dead_from(self, record: Stood) -> int | None:
        """Return the number of the first dead letter that *record* has become.

        One before it is of another record, in a topic of that name that is gone.
        """
        those = self.dead.get(record.place, ())
        return next((each.number for each in those if each.number >= record.number), None)

    def dead_codes(self, record: Stood) -> AbstractSet[bytes | None]:
        """Return the reasons that stand with the dead letters of where *record* stands."""
        return {dict(each.headers).get(DlqHeader.CODE) for each in self.dead.get(record.place, ())}

    @cached_property
    def inputs(self) -> Sequence[Stood]:
        """Every record in a topic that workers answer."""
        names = [topic.name for topic in TOPICS if topic.kind in INPUTS]
        return [each for name in names for each in self.topics.get(name, ())]

    @cached_property
    def commands(self) -> Sequence[Stood]:
        """Every record in a command topic."""
        return [each for topic in ORDERED for each in self.topics.get(topic.name, ())]

    @cached_property
    def sources(self) -> Mapping[str, Stood]:
        """`<username>:<command id>` → the record that was decided, where it stands there still."""
        found: dict[str, Stood] = {}
        for each in self.commands:
            name = named(each.body)
            outcome = self.outcomes.get(name)
            if outcome is None or self.written["outcomes"][name][0][0] < each.number:
                continue
            source = outcome["source"]
            place = source["topic"].removeprefix(PREFIX), source["partition"], source["offset"]
            if place == each.place:
                found[name] = each
        return found

    @cached_property
    def answers(self) -> Mapping[str, Sequence[Stood]]:
        """`<username>:<command id>` → the answers to it."""
        return grouped(self.answered, "command_id")

    @cached_property
    def replies(self) -> Mapping[str, Sequence[Stood]]:
        """`<username>:<request id>` → the replies to it."""
        return grouped(self.answered, "request_id")

    @cached_property
    def outcomes(self) -> Mapping[str, Document]:
        """`<username>:<command id>` → what is recorded."""
        return {each["_id"]: each for each in self.documents.get("outcomes", ())}


def place_of(letter: Stood) -> tuple[str, int, int]:
    """Return where the record stood that is a dead letter now."""
    said = dict(letter.headers)
    topic = (said[DlqHeader.TOPIC] or b"").decode()
    return (
        topic.removeprefix(PREFIX),
        int(said[DlqHeader.PARTITION] or 0),
        int(said[DlqHeader.OFFSET] or 0),
    )


@lru_cache(PARSED_MAX)
def parsed(value: bytes | None) -> dict[str, Any]:
    """Return the object in *value*, which nobody changes; empty where it is none."""
    try:
        found = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def named(body: Mapping[str, Any]) -> str:
    """Return `<username>:<id>` of a command or request, or of what it was answered."""
    return f"{body.get('username')}:{body.get('request_id', body.get('command_id'))}"


def given(reply: Mapping[str, Any]) -> Tokens:
    """Return the tokens in a reply.

    Raises:
        SealedTokensError: They are not for that request.
    """
    purpose = Purpose(f"{reply['type']}.sealed_tokens")
    return tokens_of(reply["sealed_tokens"], purpose, reply["request_id"], reply["username"])


def grouped(records: Sequence[Stood], name: str) -> Mapping[str, Sequence[Stood]]:
    """Return *records* that have a field *name*, by their user and that."""
    found: dict[str, list[Stood]] = {}
    for each in records:
        body = each.body
        if name in body:
            found.setdefault(f"{body.get('username')}:{body[name]}", []).append(each)
    return found


def by_user(records: Sequence[Stood]) -> Mapping[bytes | None, Sequence[Stood]]:
    """Return *records* by their key, each one's in order."""
    found: dict[bytes | None, list[Stood]] = {}
    for each in records:
        found.setdefault(each.key, []).append(each)
    return found


Findings = Iterator[str]
"""What is wrong, each in one line that begins with the promise."""
