"""The rules, with our own bugs caught: one command must not stop the others."""

import logging
import traceback
from collections.abc import Mapping
from datetime import datetime

from contracts.codes import Code
from handlers.account import Account
from handlers.batch import Conclude
from handlers.decision import Refused
from handlers.received import Received
from handlers.recording import Conclusion, conclude
from handlers.rules import Rules

logger = logging.getLogger(__name__)


def guarded(rules: Rules) -> Conclude:
    """Return `conclude` with *rules* bound, answering `internal_error` where it raises."""

    def conclude_one(
        account: Account | None,
        received: Received,
        email_owners: Mapping[str, str],
        now: datetime,
    ) -> Conclusion | Refused:
        try:
            return conclude(account, received, email_owners, rules=rules, now=now)
        except Exception as error:  # noqa: BLE001 - the one place where a rule's bug may surface
            # Without the message: it may repeat what was sent.
            logger.error(  # noqa: TRY400 - for the same reason
                "a rule failed on %s-%s@%s with %s:\n%s",
                *(received.source.topic, received.source.partition, received.source.offset),
                type(error).__name__,
                "".join(traceback.format_tb(error.__traceback__)),
            )
            return Refused(
                code=Code.INTERNAL_ERROR, detail="the service failed; its operators are alerted"
            )

    return conclude_one
