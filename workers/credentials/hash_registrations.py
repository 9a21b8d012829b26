"""Turns accepted registrations into credentials, then answers them: "accepted" means: log in."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from aiokafka import TopicPartition

from contracts.codes import Code
from contracts.topics import CREDENTIALS, DEAD_LETTERS, RESULTS
from handlers.identity.passwords import prepared
from handlers.model.outcome import Outcome, outcome_id
from storage.ports.credentials import Credential, Credentials
from storage.ports.errors import CorruptDocumentError, NewerDataError, StoreUnavailableError
from storage.ports.reads import Reads
from workers.batches.dead_letters import dead_letter
from workers.clock import monotonic_s
from workers.consuming.records import Raw
from workers.credentials.awaited_keys import AwaitedKeys, KeyAwaitedError
from workers.credentials.hashing import PasswordHasher
from workers.credentials.ready_registrations import (
    AnswerPublisher,
    ReadyRegistrations,
    is_accepted_registration,
)
from workers.credentials.records import WaitingRecord, read_waiting
from workers.kafka.publishing import PublishError
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, key_id
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

ATTEMPTS_MAX = 5
"""Tries of one record that fails for no reason we know, before it becomes a dead letter."""

Place: TypeAlias = tuple[TopicPartition, int]

logger = logging.getLogger(__name__)


class UnexpectedError(Exception):
    """Something failed for no reason we know; try the record again."""


@dataclass(slots=True, kw_only=True)
class CredentialsWorker:
    """Handles batches of waiting registrations, whatever brings them.

    The topic is ours, but its records are not believed: what is answered is what is recorded, and
    a password is set only for a recorded registration, as the one that a ledger worker judged.

    A registration whose blob does not open here, though the ledger opened it, becomes a dead letter
    (coordinates only) and its account stays pending, which alerts. It is not lost: sent again by
    its caller under the same command id it comes by anew, and with the key restored an operator
    sets the group's offset back; what has its credential is then only answered.
    """

    credentials: Credentials
    reads: Reads
    hasher: PasswordHasher
    ring: KeyRing
    answers: AnswerPublisher
    progress: Progress
    metrics: Metrics
    corrupt: CorruptDocuments
    clock: Callable[[], datetime]
    clock_s: Callable[[], float] = monotonic_s
    prefix: str = "accounts."
    group: str = "accounts-identity"
    _settled: set[Place] = field(default_factory=set[Place])
    """Answered, but behind one that is not: not to be answered again when read again."""
    _attempts: dict[Place, int] = field(default_factory=dict[Place, int])
    _keys: AwaitedKeys = field(init=False)
    _ready: ReadyRegistrations = field(init=False)

    def __post_init__(self) -> None:
        """Miss no key yet."""
        self._keys = AwaitedKeys(self.clock_s)
        self._ready = ReadyRegistrations(
            credentials=self.credentials,
            reads=self.reads,
            ring=self.ring,
            answers=self.answers,
            clock=self.clock,
            prefix=self.prefix,
        )

    async def process(self, records: Sequence[Raw]) -> dict[TopicPartition, int]:
        """Answer what can be answered now; return the next offset of each partition to commit.

        One that is not beyond all of *records* says that reading must go on there.
        """
        self.progress.busy = True
        queues: dict[str, list[WaitingRecord]] = {}
        unreadable: list[tuple[Raw, str]] = []
        for record in records:
            if _place(record) in self._settled:
                continue
            read = read_waiting(record)
            if isinstance(read, str):
                unreadable.append((record, read))
            else:
                queues.setdefault(read.pending.username, []).append(read)
        await asyncio.gather(
            self._settle_users(queues),
            *(
                self._settle(record, self._bury(record, Code.INVALID_COMMAND, reason))
                for record, reason in unreadable
            ),
        )
        offsets = self._offsets(records)
        self.progress.busy = any(offsets[_place(each)[0]] <= each.offset for each in records)
        return offsets

    def forget(self) -> None:
        """Drop what is remembered of records: their partitions may be another's now."""
        self._settled.clear()
        self._attempts.clear()

    async def _settle_users(self, queues: Mapping[str, Sequence[WaitingRecord]]) -> None:
        """Settle users side by side; one query tells who has a credential already."""
        if not queues:
            return
        try:
            known = dict(await self.credentials.existing(queues.keys()))
            # A crash may have come between an insert and this.
            there = {name for name, queue in queues.items() if _has_set(queue, known.get(name))}
            await self.credentials.settle(there)
        except StoreUnavailableError:
            self.progress.wait_for_store()
            return
        self.progress.advance()
        ready = await self._settle_ready([queue[0] for queue in queues.values()], known)
        rest = [queue[1:] if name in ready else queue for name, queue in queues.items()]
        await asyncio.gather(*(self._settle_user(queue, known) for queue in rest))

    async def _settle_ready(
        self, first: Sequence[WaitingRecord], known: dict[str, str]
    ) -> Collection[str]:
        """Settle together those of *first* that need no hashing; return whose they are.

        Whatever goes wrong, each is settled by itself then.
        """
        try:
            ready = await self._ready.settle(first, known)
        except NewerDataError:
            raise
        except (StoreUnavailableError, PublishError, CorruptDocumentError):
            return ()
        except Exception as error:  # noqa: BLE001 - our bug in one must not stop the others
            name = type(error).__name__
            logger.error("registrations that were ready failed with %s", name)  # noqa: TRY400
            return ()
        for each in ready:
            known[each.pending.username] = each.pending.command_id
            self._settled.add(_place(each.record))
            self.progress.advance()
        return {each.pending.username for each in ready}

    async def _settle_user(self, queue: Sequence[WaitingRecord], known: dict[str, str]) -> None:
        for each in queue:
            if not await self._settle(each.record, self._finish(each, known)):
                return

    async def _settle(self, record: Raw, work: Awaitable[None]) -> bool:
        """Await *work* and note *record* as settled; False where it must be tried again."""
        try:
            await self._defended(record, work)
        except StoreUnavailableError:
            self.progress.wait_for_store()
        except PublishError:
            self.progress.wait_for("kafka")
        except KeyAwaitedError:
            self.progress.wait_for("keys")
        except UnexpectedError:
            pass
        else:
            self._settled.add(_place(record))
            self._attempts.pop(_place(record), None)
            self.progress.advance()
            return True
        return False

    async def _defended(self, record: Raw, work: Awaitable[None]) -> None:
        """Await *work*; a bug that comes again and again costs its own record only."""
        try:
            await work
        except (StoreUnavailableError, NewerDataError, PublishError, KeyAwaitedError):
            raise
        except Exception as error:  # noqa: BLE001 - our bug in one must not stop the others
            # Without its text, which may quote a secret.
            name, place = type(error).__name__, _place(record)
            logger.error("a pending credential failed with %s at %s", name, place)  # noqa: TRY400
            self._attempts[place] = self._attempts.get(place, 0) + 1
            if self._attempts[place] < ATTEMPTS_MAX:
                raise UnexpectedError from None
            await self._bury(record, Code.INTERNAL_ERROR, f"failed with {name}")

    async def _finish(self, waiting: WaitingRecord, known: dict[str, str]) -> None:
        pending = waiting.pending
        recorded = await self._recorded(waiting)
        if recorded is None:
            return
        set_by = known.get(pending.username)
        if set_by is None:
            if not await self._register(waiting, recorded):
                return
            known[pending.username] = pending.command_id
        elif set_by != pending.command_id:
            await self._bury(waiting.record, Code.ACCOUNT_UNREADABLE, "the credential is another's")
            return
        answer = waiting.answer(recorded, self.prefix + RESULTS.name)
        await self.answers.publish(answer, pending.reply_to)

    async def _recorded(self, waiting: WaitingRecord) -> Outcome | None:
        """Return the registration as the ledger recorded it; None where it accepted none."""
        identifier = outcome_id(waiting.pending.username, waiting.pending.command_id)
        try:
            outcome = (await self.reads.outcomes([identifier])).get(identifier)
        except CorruptDocumentError as error:
            await self.corrupt.take([error.document])
            await self._bury(waiting.record, Code.ACCOUNT_UNREADABLE, "its outcome is damaged")
            return None
        if not is_accepted_registration(outcome):
            why = "no such registration was accepted; who else writes to this topic?"
            await self._bury(waiting.record, Code.INVALID_COMMAND, why)
            return None
        return outcome

    async def _register(self, waiting: WaitingRecord, recorded: Outcome) -> bool:
        """Hash the password and store it durably; False where its blob cannot be used."""
        pending = waiting.pending
        # Behind those who sign in: a flood of new accounts keeps out nobody who has one.
        hashed = await self.hasher.pool.run_behind(self._hashed, waiting, recorded)
        if isinstance(hashed, SealProblem):
            if hashed is SealProblem.UNKNOWN_KEY:
                self._keys.wait_for(key_id(pending.sealed_password))
            reason = f"the sealed password cannot be used ({hashed.value}); see its coordinates"
            await self._bury(waiting.record, Code.SEAL_INVALID, reason)
            return False
        credential = Credential(
            username=pending.username,
            command_id=pending.command_id,
            hash=hashed,
            imported=waiting.is_hashed,
            created_at=self.clock(),
        )
        await self.credentials.insert([credential])
        self._keys.arrived(key_id(pending.sealed_password))
        return True

    def _hashed(self, waiting: WaitingRecord, recorded: Outcome) -> str | SealProblem:
        """Return the hash; the password exists in this call only."""
        password = waiting.password(recorded, self.ring)
        if isinstance(password, SealProblem):
            return password
        return password if waiting.is_hashed else self.hasher.hash_here(prepared(password))

    async def _bury(self, record: Raw, code: Code, reason: str) -> None:
        letter = dead_letter(
            record,
            CREDENTIALS,
            code,
            reason,
            group=self.group,
            to=self.prefix + DEAD_LETTERS.name,
        )
        await self.answers.publish(letter)
        self.metrics.dead_letters_total.labels(topic=record.topic, code=code.value).inc()

    def _offsets(self, records: Sequence[Raw]) -> dict[TopicPartition, int]:
        """Return, per partition, the first offset not settled."""
        offsets: dict[TopicPartition, int] = {}
        blocked: set[TopicPartition] = set()
        for record in records:
            place = partition, offset = _place(record)
            if partition in blocked:
                continue
            if place in self._settled:
                offsets[partition] = offset + 1
                self._settled.discard(place)
            else:
                offsets[partition] = offset
                blocked.add(partition)
        return offsets


def _has_set(queue: Sequence[WaitingRecord], command_id: str | None) -> bool:
    return any(each.pending.command_id == command_id for each in queue)


def _place(record: Raw) -> Place:
    return TopicPartition(record.topic, record.partition), record.offset
