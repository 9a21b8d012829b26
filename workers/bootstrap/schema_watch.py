"""This process among those that run beside it: what it says of itself, and which schema it writes."""

import asyncio
import logging
import os
import socket
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from storage.mongo.data_schema import MongoDataSchema
from storage.ports.data_schema import GONE_AFTER, RunningProcess
from storage.ports.errors import (
    CommitUnknownError,
    CorruptDocumentError,
    LostRaceError,
    NewerDataError,
    StoreUnavailableError,
)
from workers.clock import fresh_name, monotonic_s, utc_now
from workers.monitoring.halt import Halt
from workers.monitoring.health import Probe
from workers.monitoring.metrics import Metrics
from workers.monitoring.version import VERSION

logger = logging.getLogger(__name__)

LOOK_S = 2.0
"""Between two looks at the data's number, a read by id: an upgrade is followed that soon."""

BEAT_S = GONE_AFTER.total_seconds() / 3
"""Between two writes that say that this process runs: one a cycle of looks would be five times as many."""

LEAVE_S = 1.0
"""How long the store may take to note that we ended: without, an upgrade has to wait a little."""

ANNOUNCEMENTS_MAX = 50
"""Times in a row that another process, which came at the same moment, may get there first: of so many
that start together the last one is let in, too."""

AGAIN_S = 0.01
"""Longer with each time, from as long as a commit takes."""

PASSES = (StoreUnavailableError, LostRaceError, CommitUnknownError)
"""What passes by itself, and what the probe of MongoDB reports meanwhile."""


def this_process(roles: Collection[str]) -> RunningProcess:
    """Return what this process says of itself."""
    return RunningProcess(
        id=fresh_name(),
        release=VERSION,
        host=socket.gethostname(),
        pid=os.getpid(),
        roles=tuple(sorted(roles)),
        started_at=utc_now(),
    )


class SchemaWatch:
    """Keeps the number that this process writes equal to the data's, while it runs."""

    def __init__(
        self, schema: MongoDataSchema, process: RunningProcess, halt: Halt, metrics: Metrics
    ) -> None:
        self._schema = schema
        self._process = process
        self._halt = halt
        self._metrics = metrics
        self._beat_at_s = 0.0
        self._known: int | None = None
        self._problem: str | None = None
        metrics.schema_number.labels("newest").set(process.newest)

    async def announce(self) -> None:
        """Say that this process runs, before it reads anything else.

        Raises:
            NewerDataError: It must not: the data is for a later release.
            StoreUnavailableError: Nobody can say.
        """
        await self.check()  # so that it says rightly what it writes
        for tries in range(1, ANNOUNCEMENTS_MAX + 1):
            try:
                await self._schema.announce(self._process)
                break
            except (LostRaceError, CommitUnknownError) as error:
                if tries == ANNOUNCEMENTS_MAX:
                    raise StoreUnavailableError(str(error)) from error
            await asyncio.sleep(tries * AGAIN_S)
        await self.check()  # who upgraded before it was announced need not have seen it
        self._beat_at_s = monotonic_s() + BEAT_S

    async def check(self) -> None:
        """Take in the data's number; from then on it is what is written.

        Raises:
            NewerDataError: The data was upgraded for a later release; this process ends.
        """
        try:
            number = await self._schema.check()
        except NewerDataError as error:
            self._halt.now(str(error))
            raise
        if number == self._known:
            return
        if self._known is not None:
            logger.warning("the data has schema %d now: written from here on", number)
        self._known = number
        self._process = replace(self._process, writes=number)
        self._beat_at_s = 0.0  # say so at once
        self._metrics.schema_number.labels("data").set(number)

    async def look(self) -> None:
        """Take in the data's number, and say now and then that this process runs.

        Raises:
            NewerDataError: The data was upgraded for a later release; this process ends.
        """
        await self.check()
        if monotonic_s() < self._beat_at_s:
            return
        if await self._schema.beat(self._process):
            self._beat_at_s = monotonic_s() + BEAT_S
        else:
            logger.warning("this process was not heard of for long and counted as gone")
            await self.announce()

    async def run(self) -> None:
        """Look again and again until cancelled, or until this process must end."""
        while True:
            if not await self.goes_on():
                return
            await asyncio.sleep(LOOK_S)

    async def goes_on(self) -> bool:
        """Look once, whatever comes of it; return whether this process may go on."""
        try:
            await self.look()
        except NewerDataError:
            return False  # the halt has its sentence
        except PASSES as error:
            logger.debug("the data's schema number was not read: %s", error)
        except CorruptDocumentError as error:
            self._problem = f"the data's schema number cannot be understood ({error})"
        else:
            self._problem = None
        return True

    def probe(self) -> Probe:
        """Return what health says of the schema: which number is written, and what is wrong."""

        async def ask() -> None:
            if self._problem is not None:
                raise StoreUnavailableError(self._problem)

        def facts() -> dict[str, Any]:
            return {"data": self._known, "newest": self._process.newest}

        return Probe(name="schema", ask=ask, required=False, facts=facts)

    async def leave(self) -> None:
        """Say that this process has ended; where that fails, it counts as running for a while."""
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._schema.leave(self._process)
        except (*PASSES, TimeoutError) as error:
            logger.warning("nobody was told that this process ends: %s", error)
