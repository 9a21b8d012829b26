"""What release 0.1 stored and answered, as `make_release_0_1` kept it, put where this release finds it."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from bson import json_util

DATA = Path(__file__).with_name("release_0_1.jsonl")

AWARE = json_util.JSONOptions(tz_aware=True)

OF_A_SESSION = ("opened_at", "expires_at", "rotated_at", "ended_at")


@dataclass(frozen=True)
class Release01:
    """All of it, in the order in which it was sent and published."""

    prefix: str
    documents: Mapping[str, Sequence[Mapping[str, Any]]]
    """By collection."""
    sent: Sequence[Mapping[str, Any]]
    """Records with their answers; `password` is what was sealed in one."""
    events: Sequence[Mapping[str, Any]]

    def session(self, username: str) -> str:
        """Return the session of *username*."""
        [found] = [
            one["_id"]
            for one in self.documents["sessions"]
            if username in {one.get("username"), one.get("ended_username")}
        ]
        return found

    def under(self, prefix: str, *, now: datetime) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield collections as they would be if all of it had been read from topics of *prefix*.

        And if the sessions had been opened a moment ago: they end by themselves.
        """
        opened = max(one["opened_at"] for one in self.documents["sessions"])
        for collection, documents in self.documents.items():
            changed = [dict(one) for one in documents]
            if collection == "outcomes":
                changed = [self._read_under(prefix, one) for one in documents]
            if collection == "sessions":
                changed = [{**one, **_later(one, by=now - opened)} for one in documents]
            yield collection, changed

    def _read_under(self, prefix: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
        source = outcome["source"]
        topic = prefix + source["topic"].removeprefix(self.prefix)
        return {**outcome, "source": {**source, "topic": topic}}


def read_release_0_1() -> Release01:
    """Return what was kept."""
    lines: list[dict[str, Any]] = [
        json_util.loads(line, json_options=AWARE)
        for line in DATA.read_text(encoding="utf-8").splitlines()
    ]
    documents: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        if "collection" in line:
            documents.setdefault(line["collection"], []).append(line["document"])
    return Release01(
        prefix=lines[0]["prefix"],
        documents=documents,
        sent=[line for line in lines if "topic" in line],
        events=[line for line in lines if "event" in line],
    )


def token_of(session_id: str) -> str:
    """Return what stands for a session's refresh token, as `make_release_0_1` has it."""
    digest = sha256(f"session {session_id} of release 0.1".encode()).digest()
    return f"{session_id}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def _later(session: Mapping[str, Any], *, by: timedelta) -> dict[str, datetime]:
    return {name: session[name] + by for name in _present(session, OF_A_SESSION)}


def _present(fields: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [name for name in names if name in fields]
