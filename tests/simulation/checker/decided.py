"""What became of requests that are honoured once: which record was decided, when, and how."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contracts.topics import TopicSpec
from tests.simulation.checker.evidence import Document, Evidence, Stood, Versions, named, parsed


@dataclass(frozen=True, slots=True)
class Decided:
    """One request, with what is stored of it."""

    name: str
    record: Stood
    """The one that was decided; others under its id are repeats."""
    number: int
    """Of what is stored."""
    stored: Document

    @property
    def username(self) -> str:
        """Whose it is."""
        return self.record.body["username"]

    @property
    def body(self) -> dict[str, Any]:
        """Return the answer as it is stored."""
        return parsed(self.stored["body"])

    @property
    def is_accepted(self) -> bool:
        """Say whether it was done."""
        return self.body["status"] == "accepted"

    @property
    def code(self) -> str | None:
        """Return why not, if it was not."""
        error = self.body.get("error")
        return None if error is None else error["code"]


def decided(evidence: Evidence, topic: TopicSpec) -> Iterator[Decided]:
    """Yield the requests of *topic* whose answers are stored, in the order of their records."""
    requests = evidence.written.get("requests", {})
    for record in evidence.topics.get(topic.name, ()):
        name = named(record.body)
        if name not in requests:
            continue
        number, stored = requests[name][0]
        if stored is None or number < record.number:
            continue
        source = stored["source"]
        if source["topic"].endswith(topic.name) and (record.partition, record.offset) == (
            source["partition"],
            source["offset"],
        ):
            yield Decided(name, record, number, stored)


def as_of(versions: Versions, number: int) -> Document | None:
    """Return what stood there when what has *number* was written, that included."""
    found: Document | None = None
    for at, document in versions:
        if at > number:
            break
        found = document
    return found
