"""What the ledger's engine works with."""

from collections.abc import Callable
from dataclasses import dataclass

from handlers.ledger.batch import PerCommand
from handlers.model.rules import Rules
from storage.ports.ledger import Ledger
from workers.kafka.publishing import Publisher
from workers.kafka.replies import Replies
from workers.ledger.conclude import guarded
from workers.ledger.end_offsets import EndOffsets
from workers.ledger.intake import Gate
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDependencies:
    """What the engine works with."""

    ledger: Ledger
    publisher: Publisher
    replies: Replies
    end_offsets: EndOffsets
    gate: Gate
    metrics: Metrics
    corrupt: CorruptDocuments
    progress: Progress
    schema: Callable[[], int]
    """Return the number that is written now (`handlers.model.schema`); asked once a cycle."""
    per_command: Callable[[Rules], PerCommand] = guarded
    """Return how each command is decided by some rules, and what is said of it."""
