"""What happens where something fails in a way nobody foresaw: a line for the log, and the end."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from textwrap import indent
from typing import Any, cast

from workers.consuming.records import Raw
from workers.progress import Progress

logger = logging.getLogger(__name__)

INNER_MAX = 20
"""Exceptions of a group that are named: lanes and partitions, and some more."""


def end_for(error: BaseException, *, what: str, progress: Progress) -> None:
    """End the process for *error*, and say where it came from. From here on nothing is done."""
    reason = f"{what} failed: {type(error).__name__}"
    progress.fail(reason)
    logger.error("%s\n%s", reason, places(error))


def places(error: BaseException) -> str:
    """Return type and place of *error*, of what caused it, and of all that a group holds.

    Without their texts, which may quote a record or a secret.
    """
    lines = [f"{type(error).__name__} at", *traceback.format_tb(error.__traceback__)]
    inner: Sequence[BaseException] = ()
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        inner = group.exceptions[:INNER_MAX]
    elif error.__cause__ is not None:
        inner = (error.__cause__,)
    return "\n".join(
        [
            "\n".join(line.rstrip() for line in lines),
            *(indent(places(each), "  ") for each in inner),
        ]
    )


def or_end(
    take: Callable[[Sequence[Raw]], Awaitable[None]], *, title: str, progress: Progress
) -> Callable[[Any], Awaitable[None]]:
    """Return *take* as the framework gets it: what it raises ends the process.

    The framework would swallow it and go on with the next records.
    """

    async def take_or_end(records: Any) -> None:
        try:
            await take(records)
        except Exception as error:  # noqa: BLE001 - what the framework would swallow
            end_for(error, what=f"a batch of {title}", progress=progress)

    return take_or_end
