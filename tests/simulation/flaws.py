"""Bugs of our own: code of a process that fails on some records, wherever it gets to them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from handlers.ledger.batch import PerCommand
from handlers.ledger.recording import conclude
from handlers.model.input_records import CommandRecord, RequestRecord
from handlers.model.rules import Rules
from handlers.wire.announcing import announce
from tests.simulation.checker.evidence import named, parsed
from tests.simulation.history import Flaw, History
from workers.consuming.records import Raw
from workers.ledger.conclude import guarded
from workers.requests.answering import AnsweredRequest, Answerer

Given = ParamSpec("Given")
Made = TypeVar("Made")

Take = Callable[[Sequence[Raw]], Awaitable[None]]


class BugError(Exception):
    """Raised by code that has none of it in production, as far as we know."""


@dataclass(slots=True)
class Flaws:
    """Those of one run, in all its processes."""

    history: History
    _met: set[str] = field(default_factory=set[str])
    """Whom a flaw that comes once has struck."""

    def per_command(self, rules: Rules) -> PerCommand:
        """Return deciding as production does it, around what fails."""
        if not self.history.flaws:
            return guarded(rules)
        return guarded(
            rules,
            conclude=self._around(conclude, Flaw.DECIDING),
            announce=self._around(announce, Flaw.SAYING),
        )

    def _around(self, work: Callable[Given, Made], flaw: Flaw) -> Callable[Given, Made]:
        """Return *work*, which fails on the command among what it is given if its flaw is this."""

        def failing(*given: Given.args, **more: Given.kwargs) -> Made:
            [received] = (each for each in given if isinstance(each, CommandRecord))
            self._look(received.id, flaw)
            return work(*given, **more)

        return failing

    def answering(self, answerer: Answerer) -> Answerer:
        """Return *answerer*, which fails on some requests."""
        return _Failing(answerer, self) if self.history.flaws else answerer

    def look_at(self, asked: RequestRecord) -> None:
        """Fail on *asked* if its flaw is there.

        Raises:
            BugError: It is.
        """
        request = asked.request
        self._look(f"{request.username}:{request.request_id}", Flaw.ANSWERING)

    def taking(self, take: Take) -> Take:
        """Return *take*, which fails once on some batches: before anything is done, or afterwards."""
        if not self.history.flaws:
            return take

        async def failing(records: Sequence[Raw]) -> None:
            self._once(records, Flaw.TAKING)
            await take(records)
            self._once(records, Flaw.TAKEN)

        return failing

    def _look(self, name: str, flaw: Flaw) -> None:
        if self.history.flaws.get(name) is flaw:
            raise BugError(flaw.value)

    def _once(self, records: Sequence[Raw], flaw: Flaw) -> None:
        for name in (named(parsed(each.value)) for each in records):
            if name not in self._met and self.history.flaws.get(name) is flaw:
                self._met.add(name)
                raise BugError(flaw.value)


@dataclass(frozen=True, slots=True)
class _Failing:
    answerer: Answerer
    flaws: Flaws

    @property
    def batch_records_max(self) -> int:
        return self.answerer.batch_records_max

    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        for each in asked:
            self.flaws.look_at(each)
        return await self.answerer.answer(asked)
