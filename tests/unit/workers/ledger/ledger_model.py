"""Workers around the real decisions, publications and a faulty store; and the log they write."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, TypeVar

import orjson

from handlers.model.input_records import CommandRecord
from handlers.model.outcome import Outcome
from tests.builders import NOON
from tests.received import all_read, nothing_read
from tests.simulation.network import UnforeseenError
from tests.unit.workers.ledger.ledger_faults import Fault, FaultyLedger
from tests.unit.workers.ledger.ledger_lanes import SimpleLaneDependencies
from workers.batches.writer_generation import AbandonedError, WriterGeneration
from workers.kafka.publishing import Outgoing
from workers.kafka.topic_names import TopicNames
from workers.ledger.lane import Lane
from workers.ledger.publication import Publication
from workers.ledger.published_sequences import CycleSequences, PublishedSequences
from workers.ledger.writer_sign_offs import WriterSignOffs

Result = TypeVar("Result")

NAMES = TopicNames.under("accounts.")


def finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run what never has to wait, without a loop: one step after another, nothing by chance."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("this was not expected to wait")


class Log:
    """What Kafka has, in the order it was appended."""

    def __init__(self) -> None:
        self.events: dict[str, dict[int, tuple[bytes | None, bytes]]] = {}
        """Username → sequence → key and value, in the order of first appearance."""
        self.results: dict[str, dict[str, Any]] = {}
        self.event_records = 0
        """Balance events appended, repeats included."""

    def append(self, record: Outgoing) -> None:
        """Take in one record; a repeat must say the same again."""
        if record.topic == NAMES.results:
            self._answer(orjson.loads(record.value))
        elif record.topic == NAMES.balance_events:
            self.event_records += 1
            self._event(record)

    def _answer(self, body: dict[str, Any]) -> None:
        del body["duplicate"]
        said = self.results.setdefault(f"{body['username']}:{body['command_id']}", body)
        assert said == body, "P3: the same question has two answers"

    def _event(self, record: Outgoing) -> None:
        body = orjson.loads(record.value)
        events = self.events.setdefault(body["username"], {})
        sequence = body["sequence"]
        if sequence not in events:
            assert sequence == len(events) + 1, "P5: an event comes before the one it follows"
            events[sequence] = record.key, record.value
        assert events[sequence] == (record.key, record.value), "P5: a repeat differs"


class Flight:
    """One cycle's records on their way: each user's in order, and nothing more is certain."""

    def __init__(self, log: Log, publication: Publication, answered: Sequence[Outcome]) -> None:
        self.publication = publication
        self.answered = answered
        self._log = log
        self._queues: dict[bytes | None, list[Outgoing]] = {}
        for record in publication.records:
            self._queues.setdefault(record.key, []).append(record)

    def advance(self, key: bytes | None, count: int) -> None:
        """Let the next *count* records under *key* arrive."""
        queue = self._queues.get(key, [])
        for record in queue[:count]:
            self._log.append(record)
        del queue[:count]

    def land(self) -> None:
        """Let everything arrive."""
        for key, queue in self._queues.items():
            self.advance(key, len(queue))


class Worker:
    """One process: cycle N+1 may be applied while N is on its way."""

    def __init__(self, ledger: FaultyLedger, log: Log, ghosts: list[Flight]) -> None:
        self.generation = WriterGeneration()
        self.flight: Flight | None = None
        self.applied: Flight | None = None
        """The next cycle: in the store, and nothing of it in Kafka."""
        self.parked: list[CommandRecord] = []
        self.busy = False
        self.rival: Callable[[Sequence[CommandRecord]], None] = lambda _: None
        """Lets another worker decide the same."""
        self._ledger = ledger
        self._predecessors = WriterSignOffs(ledger)
        self._published = PublishedSequences()
        self._log = log
        self._ghosts = ghosts
        """What was given up, and may still arrive."""

    def cycle(self, records: Iterable[CommandRecord], *, final: bool, lanes: int) -> None:
        """Decide *records*, behind what is parked, and leave them to be published."""
        assert self.applied is None
        commands = [*self.parked, *records]
        self.parked = []
        done = self._decided(commands, final=final, lanes=lanes)
        if done is None:
            return
        self.parked = [received for lane in done for received in lane.parked]
        publication = Publication(names=NAMES, group="group", read_at_s=0)
        answered: list[Outcome] = []
        for lane in done:
            publication.add_lane(lane)
            answers = (answer for it in lane.applied for answer in it.decision.answers)
            answered += [answer.outcome for answer in answers if answer.outcome]
        self.applied = Flight(self._log, publication, answered)
        if self.flight is None:
            self._start()

    def _decided(
        self, commands: Sequence[CommandRecord], *, final: bool, lanes: int
    ) -> Sequence[Lane] | None:
        """Return the lanes, once they are done; None where the cycle was given up."""
        number = self.generation.number
        outer, self._ledger.strike = self._ledger.strike, partial(self._strike, commands)
        self.busy = True
        try:
            # All of one generation, as in the engine: the first may end it.
            done = [self._lane(share, final=final) for share in _shares(commands, lanes)]
            for lane in done:
                finished(lane.run())
            self.generation.check(number)
        except AbandonedError:
            return None
        except UnforeseenError:
            self.abandon()  # the process ends; its successor has another name
            return None
        finally:
            self.busy = False
            self._ledger.strike = outer
        return done

    def acknowledge(self) -> None:
        """Let the cycle on its way arrive whole; then the next one may start."""
        if self.flight is None:
            return
        self.flight.land()
        for outcome in self.flight.answered:
            if outcome.entry is not None:
                out = self._log.events.get(outcome.username, {})
                assert outcome.entry.sequence in out, "P4: answered, and its event is missing"
        done = self.flight.publication
        self._published.take_in(done.sequences, done.shared)
        self.flight = None
        self._start()

    def repeat(self) -> None:
        """Publish the cycle once more, not knowing what arrived and what still may."""
        if self.flight is not None:
            self._ghosts.append(self.flight)
            self.flight = Flight(self._log, self.flight.publication, self.flight.answered)

    def abandon(self) -> None:
        """Give up what is in hand, as `Engine.abandon` does."""
        self.generation.end()
        if self.flight is not None:
            self._ghosts.append(self.flight)
        self.flight = self.applied = None
        self.parked = []

    def sign_off(self) -> None:
        """Tell the others that all is published, if so, as `Engine` does."""
        if self.flight is None and self.applied is None:
            finished(self._ledger.sign_off(self.generation.writer, at=NOON))
            self.generation.retire_writer()

    def _start(self) -> None:
        self.flight, self.applied = self.applied, None

    def _lane(self, users: dict[str, list[CommandRecord]], *, final: bool) -> Lane:
        dependencies = SimpleLaneDependencies(
            self._ledger, self.generation, all_read if final else nothing_read
        )
        dependencies.writer_sign_offs = self._predecessors
        dependencies.published = self._published
        ahead = self.flight.publication.sequences if self.flight else CycleSequences()
        return Lane(dependencies.surroundings(), ahead, users=users)

    def _strike(self, commands: Sequence[CommandRecord], fault: Fault) -> None:
        if fault is Fault.RACE:
            self.rival(commands)
        elif fault is Fault.ACKNOWLEDGED:
            self.acknowledge()
        elif fault is Fault.RETIRED:
            self.generation.retire_writer()
        else:
            self.abandon()


def _shares(commands: Iterable[CommandRecord], lanes: int) -> list[dict[str, list[CommandRecord]]]:
    shares: list[dict[str, list[CommandRecord]]] = [{} for _ in range(lanes)]
    for received in commands:
        username = received.command.username
        shares[len(username) % lanes].setdefault(username, []).append(received)
    return [share for share in shares if share]
