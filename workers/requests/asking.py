"""Asks an answerer, so that a bug in one request costs that request only."""

import logging
from collections.abc import Sequence

import msgspec

from contracts.codes import Code
from contracts.topics import RECORD_BYTES_MAX
from handlers.model.input_records import RequestRecord
from handlers.model.refused import Refused
from storage.ports.errors import (
    CommitUnknownError,
    CorruptDocumentError,
    StoreUnavailableError,
)
from workers.monitoring.corrupt import CorruptDocuments
from workers.monitoring.error_places import places
from workers.requests.answering import AnsweredRequest, Answerer

logger = logging.getLogger(__name__)

AWAY = (StoreUnavailableError, CommitUnknownError)
"""What passes by itself: the same is asked again."""


REPLY_BYTES_MAX = RECORD_BYTES_MAX
"""Of one reply. The topic of results takes so much and our headers; a larger one would be refused
for ever, and keep all others of its group from being committed."""


FAILED = Refused(
    code=Code.INTERNAL_ERROR,
    detail="the service failed on this request; its operators are alerted",
)
UNREADABLE = Refused(
    code=Code.ACCOUNT_UNREADABLE,
    detail="what is stored of this account is damaged; operators are alerted",
)


class Failed(msgspec.Struct, frozen=True, gc=False):
    """A request that cannot be answered: our bug, or a document that cannot be understood."""

    asked: RequestRecord
    why: Refused = FAILED


async def ask(
    answerer: Answerer, asked: Sequence[RequestRecord], corrupt: CorruptDocuments
) -> Sequence[AnsweredRequest | Failed]:
    """Return what is said to each of *asked*, in order.

    Where the answerer fails, the batch is halved until what it fails on stands alone: twice the
    logarithm of its size in calls, where one by one would be as many as requests.

    Raises:
        StoreUnavailableError: A store does not answer; ask again.
        CommitUnknownError: Nobody knows what was stored; ask again.
        NewerDataError: What is stored is for a later release.
    """
    if not asked:
        return ()
    try:
        said = await answerer.answer(asked)
        assert len(said) == len(asked), "one answer for each"
    except AWAY:
        raise
    except CorruptDocumentError as error:
        if len(asked) == 1:
            await corrupt.take([error.document])
            return (Failed(asked[0], UNREADABLE),)
    except Exception as error:  # noqa: BLE001 - our bug in one must not stop the others
        logger.error("%d requests failed with %s", len(asked), places(error))  # noqa: TRY400
    else:
        return [_sendable(each) for each in said]
    if len(asked) == 1:
        return (Failed(asked[0]),)
    middle = len(asked) // 2
    return [
        *await ask(answerer, asked[:middle], corrupt),
        *await ask(answerer, asked[middle:], corrupt),
    ]


def _sendable(said: AnsweredRequest) -> AnsweredRequest | Failed:
    if len(said.reply.value) <= REPLY_BYTES_MAX:
        return said
    asked = said.asked
    logger.error("a reply to %s is too large: %d bytes", asked.type, len(said.reply.value))
    return Failed(asked)
