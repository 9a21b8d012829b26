"""What the ledger's engine works with."""

from dataclasses import dataclass

from storage.ports.ledger import Ledger
from workers.corrupt import CorruptDocuments
from workers.ledger.end_offsets import EndOffsets
from workers.ledger.intake import Gate
from workers.metrics import Metrics
from workers.progress import Progress
from workers.publishing import Publisher
from workers.replies import Replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the engine works with."""

    ledger: Ledger
    publisher: Publisher
    replies: Replies
    end_offsets: EndOffsets
    gate: Gate
    metrics: Metrics
    corrupt: CorruptDocuments
    progress: Progress
