"""Has aiokafka read the time of the loop that runs, and draw from what a run's seed gives.

It reads `time.monotonic` and shuffles with Python's own `random` in places that no argument reaches. Of an ordinary
loop the time is the same.
"""

import asyncio
import time
from random import Random
from types import ModuleType
from typing import Any

from aiokafka import client, cluster
from aiokafka.consumer import fetcher, group_coordinator, subscription_state
from aiokafka.producer import message_accumulator

READERS: tuple[ModuleType, ...] = (
    client,
    cluster,
    fetcher,
    group_coordinator,
    subscription_state,
    message_accumulator,
)
"""Modules of aiokafka's that read the clock of this machine."""

SHUFFLERS: tuple[ModuleType, ...] = (client, fetcher)
"""Modules of aiokafka's that leave something to chance."""


class LoopTime:
    """Stands where those modules have Python's `time`."""

    @staticmethod
    def monotonic() -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return time.monotonic()

    time = monotonic


def follow_the_loop() -> None:
    """Let all of aiokafka read the loop's time from now on."""
    for module in READERS:
        changed: Any = module
        changed.time = LoopTime


def draw_from(random: Random) -> None:
    """Let all of aiokafka draw from *random* from now on."""
    for module in SHUFFLERS:
        changed: Any = module
        changed.random = random
