"""Registrations that need no hashing, many at once: another system hashed the password, or it is stored."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from contracts.topics import RESULTS
from handlers.model.outcome import Outcome, outcome_id
from storage.ports.credentials import Credential, Credentials
from storage.ports.reads import Reads
from workers.credentials.records import WaitingRecord
from workers.kafka.publishing import Outgoing
from workers.keys.ring import KeyRing

SLICE_RECORDS_MAX = 100
"""Hashes opened in one go, about 20 ms: a stop or a rebalance waits no longer."""


class AnswerPublisher(Protocol):
    """Where answers and dead letters go."""

    async def publish(self, answer: Outgoing, reply_to: str | None = None) -> None:
        """Publish and await the acknowledgement.

        With *reply_to* the answer goes there; if that topic cannot be used, to the answer's own.
        Raises `PublishError` where it was not acknowledged.
        """
        ...

    async def publish_all(self, answers: Sequence[tuple[Outgoing, str | None]]) -> None:
        """As `publish`, for each of *answers* and its `reply_to`."""
        ...


class _Ready(NamedTuple):
    waiting: WaitingRecord
    recorded: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyRegistrations:
    """Stores and answers them by a few calls for all.

    Nothing is believed here either that is not recorded and vouched for.
    """

    credentials: Credentials
    reads: Reads
    ring: KeyRing
    answers: AnswerPublisher
    clock: Callable[[], datetime]
    prefix: str

    async def settle(
        self, first: Sequence[WaitingRecord], known: Mapping[str, str]
    ) -> Sequence[WaitingRecord]:
        """Return those of *first*, one for each user, that are stored and answered now.

        *known* has who has a credential, and by which command. Any that is left over is to be dealt with
        by itself, which says what is wrong with it.

        Raises:
            StoreUnavailableError, PublishError: Try again.
            CorruptDocumentError: One of the outcomes cannot be read.
        """
        ready = await self._recorded([each for each in first if _is_ready(each, known)])
        there = [each for each in ready if each.waiting.pending.username in known]
        new = [each for each in ready if each.waiting.pending.username not in known]
        done = [*there, *await self._stored(new)]
        topic = self.prefix + RESULTS.name
        await self.answers.publish_all(
            [
                (each.waiting.answer(each.recorded, topic), each.waiting.pending.reply_to)
                for each in done
            ]
        )
        return [each.waiting for each in done]

    async def _recorded(self, waiting: Sequence[WaitingRecord]) -> Sequence[_Ready]:
        ids = {outcome_id(each.pending.username, each.pending.command_id): each for each in waiting}
        if not ids:
            return []
        outcomes = await self.reads.outcomes(ids)
        return [
            _Ready(ids[identifier], outcome)
            for identifier, outcome in outcomes.items()
            if is_accepted_registration(outcome)
        ]

    async def _stored(self, new: Sequence[_Ready]) -> Sequence[_Ready]:
        """Store the hashes of *new*; return those that opened."""
        stored: list[_Ready] = []
        credentials: list[Credential] = []
        for start in range(0, len(new), SLICE_RECORDS_MAX):
            part = new[start : start + SLICE_RECORDS_MAX]
            # Not on a thread that hashes: to open many keeps the interpreter, and must not give way.
            for each, opened in zip(part, await asyncio.to_thread(self._opened, part), strict=True):
                if opened is not None:
                    stored.append(each)
                    credentials.append(opened)
        if credentials:
            await self.credentials.insert(credentials)
        return stored

    def _opened(self, part: Sequence[_Ready]) -> list[Credential | None]:
        return [self._credential(each) for each in part]

    def _credential(self, each: _Ready) -> Credential | None:
        pending = each.waiting.pending
        opened = each.waiting.password(each.recorded, self.ring)
        if not isinstance(opened, str):
            return None
        return Credential(
            username=pending.username,
            command_id=pending.command_id,
            hash=opened,
            created_at=self.clock(),
            imported=True,
        )


def is_accepted_registration(outcome: Outcome | None) -> bool:
    """Say whether *outcome* is what the ledger records of a registration that it accepted."""
    return outcome is not None and outcome.type == "register" and outcome.code is None


def _is_ready(waiting: WaitingRecord, known: Mapping[str, str]) -> bool:
    set_by = known.get(waiting.pending.username)
    return waiting.is_hashed if set_by is None else set_by == waiting.pending.command_id
