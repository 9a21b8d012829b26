"""Waiting for a condition, never for a while."""

import asyncio
from collections.abc import Awaitable, Callable

POLL_S = 0.005
"""Short beside what is waited for."""


async def until(
    condition: Callable[[], Awaitable[object]],
    *,
    within_s: float = 60,
    pass_over: tuple[type[Exception], ...] = (),
) -> None:
    """Return once *condition* holds; an exception to *pass_over* means that it does not yet."""
    async with asyncio.timeout(within_s):
        while True:
            if await _holds(condition, pass_over):
                return
            await asyncio.sleep(POLL_S)


async def _holds(
    condition: Callable[[], Awaitable[object]], pass_over: tuple[type[Exception], ...]
) -> bool:
    try:
        return bool(await condition())
    except pass_over:
        return False
