"""Looks after what nobody asks for: sweeps states, counts forgotten registrations, recounts money.

One process does it at a time, as far as a lease can promise that; two at once do no harm, because
everything here only reads, or says again what is already true.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from storage.ports.credentials import Credentials
from storage.ports.errors import CorruptDocumentError, LostRaceError, StoreUnavailableError
from workers.clock import utc_now
from workers.housekeeping.bookkeeping import Bookkeeping
from workers.housekeeping.recount_rounds import RecountRounds
from workers.housekeeping.sweep import Sweep
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.metrics import Metrics

logger = logging.getLogger(__name__)

RENEW_S = 3.0
"""Between two renewals: several fit into a lease, so that one slow answer does not lose it."""

RETRY_S = 5.0
"""After a failure, or while another process has the lease: nothing here is urgent."""

PENDING_AFTER = timedelta(minutes=1)
"""A registration without credential for longer alerts: hashing takes a fraction of a second."""

PENDING_PAUSE_S = 15.0
"""Between two counts: often enough for an alert."""


class Lease(Protocol):
    """The right to keep house. Every method may raise `StoreUnavailableError`."""

    async def acquire(self) -> int | None:
        """Take it; return its fencing token, or None while another process has it.

        Raises:
            CorruptDocumentError: What counts the tokens cannot be understood.
        """
        ...

    async def renew(self) -> bool:
        """Keep it for another term; False once it is lost."""
        ...

    async def release(self) -> None:
        """Give it back, if it is still ours."""
        ...


class LeaseLostError(Exception):
    """Another process may keep house now."""


@dataclass(slots=True, kw_only=True)
class Housekeeper:
    """The chores, and the lease they run under."""

    lease: Lease
    credentials: Credentials
    sweep: Sweep
    recount: RecountRounds
    bookkeeping: Bookkeeping
    metrics: Metrics
    corrupt: CorruptDocuments

    async def run(self) -> None:
        """Keep house whenever the lease can be had, until cancelled."""
        while True:
            # Health says so: without Redis nobody keeps house. A race is for the fencing token.
            with suppress(StoreUnavailableError, LostRaceError):
                try:
                    token = await self.lease.acquire()
                except CorruptDocumentError as error:
                    self.corrupt.report([error.document])
                    token = None
                if token is not None:
                    await self._keep_house(token)
            await asyncio.sleep(RETRY_S)

    async def _keep_house(self, token: int) -> None:
        logger.info("keeping house from now on, fencing token %d", token)
        try:
            async with asyncio.TaskGroup() as chores:
                chores.create_task(self._keep_lease())
                chores.create_task(self._repeat("sweep", self.sweep.step))
                chores.create_task(self._repeat("recount", self.recount.step))
                chores.create_task(self._repeat("books", self.bookkeeping.step))
                chores.create_task(self._repeat("pending", self.count_pending))
        except* LeaseLostError as lost:
            [why] = lost.exceptions
            logger.info(
                "not keeping house any more, the lease with token %d is lost: %s", token, why
            )
        finally:
            self.metrics.pending_registrations.set(0)  # the next one counts; ours would go stale
            self.bookkeeping.forget()
            with suppress(StoreUnavailableError):
                await self.lease.release()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                kept = await self.lease.renew()
            except StoreUnavailableError as error:
                raise LeaseLostError(str(error)) from error
            if not kept:
                raise LeaseLostError("it expired, or Redis forgot it")

    async def _repeat(self, name: str, chore: Callable[[], Awaitable[float]]) -> None:
        """Do *chore* again and again, with the pauses it asks for; no failure ends it."""
        while True:
            try:
                pause_s = await chore()
            except Exception as error:  # noqa: BLE001 - the outermost loop of a chore
                pause_s = RETRY_S
                self.metrics.housekeeper_failures_total.labels(name).inc()
                logger.warning("%s: %s; trying again in %.0f s", name, _said(error), pause_s)
            await asyncio.sleep(pause_s)

    async def count_pending(self) -> float:
        """Count the registrations that wait too long; return the seconds until the next count."""
        pending = await self.credentials.count_pending(opened_before=utc_now() - PENDING_AFTER)
        self.metrics.pending_registrations.set(pending)
        if pending:
            logger.warning("%d accounts have waited over a minute for their credential", pending)
        return PENDING_PAUSE_S


def _said(error: Exception) -> str:
    """Return what to log: a driver's text may hold an address with a password."""
    return str(error) if isinstance(error, StoreUnavailableError) else type(error).__name__
