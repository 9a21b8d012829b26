"""What happens where something fails in a way nobody foresaw: a line for the log, and the end."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from workers.consuming.records import Raw
from workers.monitoring.error_places import places
from workers.monitoring.progress import Progress

logger = logging.getLogger(__name__)


def end_for(error: BaseException, *, what: str, progress: Progress) -> None:
    """End the process for *error*, and say where it came from. From here on nothing is done."""
    reason = f"{what} failed: {type(error).__name__}"
    progress.fail(reason)
    logger.error("%s\n%s", reason, places(error))


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
