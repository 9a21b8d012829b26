"""Golden messages as files: key, headers and value of one record each.

`python -m tests.wire.golden` writes those that are missing. It never changes one that is there: a
change of what is published is a new topic, or a new `SCHEMA` with messages of its own.
`python -m tests.wire.golden --release` notes those there are as what the release says and takes.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from contracts import topics
from contracts.commands import COMMANDS
from contracts.dead_letters import WithheldValue
from contracts.entries import Entry
from contracts.events import AuditRecorded, BalanceChangedV1, Balances
from contracts.headers import CE_TYPE, CeType
from contracts.message import Message, Published
from contracts.registration import PendingCredential
from contracts.replies import Reply
from contracts.requests import REQUESTS
from contracts.results import Result
from contracts.sessions import SessionRevoked
from contracts.topics import TopicSpec
from tests.places import REPOSITORY
from tests.wire.story import Example, examples

FOLDER = Path(__file__).with_name("examples")
RELEASED = REPOSITORY / "contracts" / "released" / "golden.sha256"
"""The golden messages of the last release: the hash and path of each, as `sha256sum` writes them."""

SENT: dict[TopicSpec, type[Message]] = {**COMMANDS, **REQUESTS}
SAID: dict[str, type[Published]] = {
    CeType.RESULT: Result,
    CeType.REPLY: Reply,
    CeType.BALANCE_CHANGED: Entry,
    CeType.BALANCE_CHANGED_V1: BalanceChangedV1,
    CeType.AUDIT_RECORDED: AuditRecorded,
    CeType.BALANCES: Balances,
    CeType.SESSION_REVOKED: SessionRevoked,
    CeType.PENDING_CREDENTIAL: PendingCredential,
}


def model_of(path: str, headers: dict[str, str]) -> type[Message] | None:
    """Return what reads the message in the file *path*; None for a record that nobody understood."""
    folder, _, name = path.partition("/")
    topic = next(each for each in topics.TOPICS if each.name == folder)
    if topic is topics.DEAD_LETTERS:
        return WithheldValue if name.endswith("-withheld.json") else None
    return SENT[topic] if topic in SENT else SAID[headers[CE_TYPE]]


def written(example: Example) -> str:
    """Return what the file of *example* holds; bytes are written one character each."""
    content: dict[str, Any] = {
        "key": None if example.key is None else example.key.decode("latin-1"),
        "headers": [[name, value.decode("latin-1")] for name, value in example.record.headers],
        "value": example.record.value.decode("latin-1"),
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def hashed(path: Path) -> str:
    """Return the hash that a released file must keep."""
    return sha256(path.read_bytes()).hexdigest()


def add() -> None:
    """Add what is missing."""
    for example in examples():
        path = FOLDER / example.path
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(example))


def release() -> None:
    """Note what is there."""
    paths = sorted(FOLDER.rglob("*.json"))
    lines = [f"{hashed(path)}  {path.relative_to(REPOSITORY)}\n" for path in paths]
    RELEASED.write_text("".join(lines))


if __name__ == "__main__":
    release() if "--release" in sys.argv[1:] else add()
