"""What a batch of requests is answered: audit events and revocations first, replies behind them."""

from dataclasses import dataclass
from typing import cast

from contracts.topics import TopicSpec
from handlers.wire.rendering import OF_REQUESTS
from handlers.wire.replying import reply, reply_body
from workers.batches.outgoing_batch import OutgoingBatch
from workers.clock import utc_now
from workers.consuming.records import Raw
from workers.requests.answering import AnsweredRequest
from workers.requests.asking import Failed


@dataclass(slots=True, kw_only=True)
class ReplyBatch(OutgoingBatch):
    """One batch's answers."""

    form = OF_REQUESTS

    def add_said(self, said: AnsweredRequest) -> None:
        """Say what the answerer says."""
        asked = said.asked
        self.first.extend(said.beside)
        self.answered[asked.type, said.status, said.code] += 1
        self.times_ms.setdefault(asked.type, []).append(asked.timestamp_ms)
        self.answer(asked.request.username.encode(), said.reply, asked)

    def add_failed(self, failed: Failed, topic: TopicSpec) -> None:
        """Keep what the answerer failed on, and say so."""
        asked, why = failed.asked, failed.why
        self.answered[asked.type, "undecided", why.code.value] += 1
        self.times_ms.setdefault(asked.type, []).append(asked.timestamp_ms)
        at = utc_now()
        body = reply_body(asked, why, at)
        self.answer(asked.request.username.encode(), reply(asked, body, at), asked)
        self.add_dead_letter(cast("Raw", asked.record), topic, why.code, why.detail)
