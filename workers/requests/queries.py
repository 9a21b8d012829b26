"""Answers a batch of questions in few round trips: one per kind of look-up, not per question."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from contracts.queries import GetBalance, GetOutcome, GetProfile, ListTransactions
from contracts.requests import AnyRequest
from handlers.history import pages as history
from handlers.history import querying
from handlers.history.start_search import StartSearch
from handlers.ledger.movements import unknown_account
from handlers.model.account import Account
from handlers.model.input_records import RequestRecord
from handlers.model.outcome import Outcome, outcome_id
from handlers.model.refused import Refused
from handlers.wire.replying import reply, reply_body
from storage.ports.credentials import Credentials
from storage.ports.reads import Reads
from workers.requests.answering import AnsweredRequest

BATCH_RECORDS_MAX = 500
"""Questions looked up together: enough that a round trip costs nothing to speak of, few enough that
the first does not wait long for the last, and that their largest answers fit into 64 MiB."""

PAGES_AT_ONCE_MAX = 8
"""Pages read side by side: keeps the store busy, and leaves most of its connections to others."""

BATCH_SCAN_MAX = 20_000
"""Entries looked through for all pages of a batch: as long a search as twenty pages may make. For
so long every other question of the batch waits, and of the next. Where more ask, each page is the
shorter, and its cursor leads on; 40 entries are left to each of a whole batch."""


class QueryAnswerer:
    """Reads and answers; writes nothing and publishes nothing beside its replies."""

    def __init__(
        self, reads: Reads, credentials: Credentials, clock: Callable[[], datetime]
    ) -> None:
        self._reads = reads
        self._credentials = credentials
        self._clock = clock
        self._turns = asyncio.Semaphore(PAGES_AT_ONCE_MAX)

    @property
    def batch_records_max(self) -> int:
        """How many questions it takes at once."""
        return BATCH_RECORDS_MAX

    async def answer(self, asked: Sequence[RequestRecord]) -> Sequence[AnsweredRequest]:
        """Answer each, in order.

        Raises:
            StoreUnavailableError: Nothing was answered.
        """
        found = await self._look_up([each.request for each in asked])
        listed = [each for each in asked if isinstance(each.request, ListTransactions)]
        scan_max = min(history.SCAN_MAX, BATCH_SCAN_MAX // max(1, len(listed)))
        pages = iter(await asyncio.gather(*(self._page(each, found, scan_max) for each in listed)))
        return [
            next(pages)
            if isinstance(each.request, ListTransactions)
            else self._said(each, found.answer(each.request))
            for each in asked
        ]

    async def _look_up(self, queries: Sequence[AnyRequest]) -> "_AnswerSources":
        """Find all that the whole batch asks for, but pages."""
        named = {each.username for each in queries if not isinstance(each, GetOutcome)}
        ids = {
            outcome_id(each.username, each.command_id)
            for each in queries
            if isinstance(each, GetOutcome)
        }
        accounts, outcomes = await asyncio.gather(
            self._reads.accounts(named), self._reads.outcomes(ids)
        )
        waiting = {
            each.username for each in outcomes.values() if querying.awaits_credential(each)
        } | {
            each.username
            for each in queries
            if isinstance(each, GetProfile) and each.username in accounts
        }
        existing = frozenset(await self._credentials.existing(waiting))
        return _AnswerSources(accounts=accounts, outcomes=outcomes, existing=existing)

    async def _page(
        self, asked: RequestRecord, found: "_AnswerSources", scan_max: int
    ) -> AnsweredRequest:
        query = asked.request
        assert isinstance(query, ListTransactions)
        account = found.accounts.get(query.username)
        if account is None:
            return self._said(asked, unknown_account(query.username))
        async with self._turns:
            seek = StartSearch(query, last=account.sequence)
            await self._read(seek)
            walk = history.walk(query, past=seek.past, scan_max=scan_max)
            if isinstance(walk, Refused):
                return self._said(asked, walk)
            await self._read(walk)
        return self._said(asked, {"page": walk.page})

    async def _read(self, steps: StartSearch | history.PageBuilder) -> None:
        while stretch := steps.next_read:
            steps.take(stretch, await self._reads.entries(stretch))

    def _said(self, asked: RequestRecord, answer: Mapping[str, Any] | Refused) -> AnsweredRequest:
        at = self._clock()
        record = reply(asked, reply_body(asked, answer, at), at)
        if isinstance(answer, Refused):
            return AnsweredRequest(
                asked=asked, reply=record, status="rejected", code=answer.code.value
            )
        return AnsweredRequest(asked=asked, reply=record, status="accepted")


class _AnswerSources(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one batch of questions is answered from."""

    accounts: Mapping[str, Account]
    outcomes: Mapping[str, Outcome]
    existing: frozenset[str]
    """Users that have a credential."""

    def answer(self, query: AnyRequest) -> dict[str, Any] | Refused:
        """Return the answer to *query*, unless that is a page."""
        username = query.username
        match query:
            case GetProfile():
                account = self.accounts.get(username)
                return querying.profile(query, account, has_credential=username in self.existing)
            case GetBalance():
                return querying.balances(query, self.accounts.get(username))
            case GetOutcome():
                recorded = self.outcomes.get(outcome_id(username, query.command_id))
                return querying.outcome(query, recorded, has_credential=username in self.existing)
            case _:
                raise AssertionError(f"{type(query).__name__} is no question for this worker")
