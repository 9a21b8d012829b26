"""Asks an answerer, so that a bug in one request costs that request only."""

import logging
import traceback
from collections.abc import Sequence

import msgspec

from contracts.topics import RECORD_BYTES_MAX
from handlers.asked import Asked
from storage.ports import CommitUnknownError, StoreUnavailableError
from workers.requests.answering import Answerer, Said

logger = logging.getLogger(__name__)

AWAY = (StoreUnavailableError, CommitUnknownError)
"""What passes by itself: the same is asked again."""


REPLY_BYTES_MAX = RECORD_BYTES_MAX
"""Of one reply. The topic of results takes so much and our headers; a larger one would be refused
for ever, and keep all others of its group from being committed."""


class Failed(msgspec.Struct, frozen=True, gc=False):
    """A request that the answerer fails on: our bug."""

    asked: Asked


async def ask(answerer: Answerer, asked: Sequence[Asked]) -> Sequence[Said | Failed]:
    """Return what is said to each of *asked*, in order.

    Where the answerer fails, the batch is halved until what it fails on stands alone: twice the
    logarithm of its size in calls, where one by one would be as many as requests.

    Raises:
        StoreUnavailableError: A store does not answer; ask again.
        CommitUnknownError: Nobody knows what was stored; ask again.
    """
    if not asked:
        return ()
    try:
        said = await answerer.answer(asked)
        assert len(said) == len(asked), "one answer for each"
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001 - our bug in one must not stop the others
        # Where it failed, without the error's text, which may quote a secret.
        where = "".join(traceback.format_tb(error.__traceback__))
        name = type(error).__name__
        logger.error("%d requests failed with %s\n%s", len(asked), name, where)  # noqa: TRY400
    else:
        return [_sendable(each) for each in said]
    if len(asked) == 1:
        return (Failed(asked[0]),)
    middle = len(asked) // 2
    return [*await ask(answerer, asked[:middle]), *await ask(answerer, asked[middle:])]


def _sendable(said: Said) -> Said | Failed:
    if len(said.reply.value) <= REPLY_BYTES_MAX:
        return said
    asked = said.asked
    logger.error("a reply to %s is too large: %d bytes", asked.type, len(said.reply.value))
    return Failed(asked)
