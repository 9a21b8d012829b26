"""What a lane needs from its engine, in the simplest form."""

import asyncio
from collections.abc import Callable, Collection

from handlers.ledger.finality import ReadPositions
from storage.ports.ledger import Ledger
from tests.received import RULES, all_read, by_rules
from workers.batches.writer_generation import WriterGeneration
from workers.clock import utc_now
from workers.ledger.lane import LaneDependencies
from workers.ledger.published_sequences import PublishedSequences
from workers.ledger.writer_sign_offs import WriterSignOffs
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

METRICS = Metrics()


class SimpleLaneDependencies:
    """An engine that keeps nothing but what it was asked to wait for."""

    def __init__(
        self,
        ledger: Ledger,
        generation: WriterGeneration | None = None,
        reading: Callable[[], ReadPositions] = all_read,
    ) -> None:
        self.generation = generation or WriterGeneration()
        self.number = self.generation.number
        self.reading = reading
        self.clock = utc_now
        self.pauses: list[tuple[str | None, int]] = []
        self.questions: list[Collection[int]] = []
        self.writer_sign_offs = WriterSignOffs(ledger)
        self.published = PublishedSequences()
        self._ledger = ledger

    def surroundings(self) -> LaneDependencies:
        """Return them; nothing was asked for ahead."""
        return LaneDependencies(
            ledger=self._ledger,
            per_command=by_rules(RULES),
            metrics=METRICS,
            corrupt=CorruptDocuments(METRICS),
            acknowledged=self.published.acknowledged,
            generation=self.generation,
            signed_off=self.writer_sign_offs.signed_off,
            reading=self.reading,
            fetch_end_offsets=self._ask,
            asked=_done(),
            clock=self.clock,
            pause=self._pause,
        )

    async def _ask(self, numbers: Collection[int]) -> None:
        self.questions.append(numbers)

    async def _pause(self, dependency: str | None, tries: int) -> None:
        self.pauses.append((dependency, tries))
        self.generation.check(self.number)


def _done() -> asyncio.Future[None]:
    """Return a future that nobody has to wait for, with or without a loop that runs."""
    loop = asyncio.new_event_loop()
    done = loop.create_future()
    done.set_result(None)
    loop.close()
    return done
