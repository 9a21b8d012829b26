"""Counters of failed sign-ins in MongoDB."""

from datetime import datetime, timedelta

from handlers.throttling import DOUBLINGS_MAX, Attempt, Count, ThrottleRule, attempt
from storage.documents import Document
from storage.identity_documents import to_count
from storage.mongo_client import DURABLE, MongoClient
from storage.ports import LostRaceError, StoreUnavailableError

ATTEMPTS_MAX = 5
"""Two that count a subject for the first time may both try to insert it; the loser then finds it,
unless it is forgiven at that very moment, which nobody is five times running."""


class MongoThrottles:
    """One document per subject, changed by the server itself in one atomic step.

    The rule is `handlers.throttling.attempt`, said to the server as a pipeline: counting where the
    count is kept is the only way in which many attempts at once neither slip through nor wait for
    each other. The verdict comes from that rule, over the document as it was right before.
    """

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def count(self, subject: str, *, rule: ThrottleRule, now: datetime) -> Attempt:
        """Count one attempt on *subject* durably, unless it has to wait."""
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as it will be stored
        command: Document = {
            "findAndModify": "throttles",
            "query": {"_id": subject},
            "update": _counting(rule, now),
            "upsert": True,
            "new": False,
            "writeConcern": DURABLE,
        }
        for _ in range(ATTEMPTS_MAX):
            try:
                before = (await self._client.run(command))["value"]
            except LostRaceError:
                continue
            return attempt(Count() if before is None else to_count(before), rule, now)[1]
        raise StoreUnavailableError(
            "MongoDB could not count a sign-in, which others counted at the same time: "
            "check its load"
        )

    async def forgive(self, subject: str, *, all_of_them: bool) -> None:
        """Take the last attempt and its wait off the count, or forget them all."""
        query = {"_id": subject}
        if all_of_them:
            delete = {"q": query, "limit": 1}
            command: Document = {"delete": "throttles", "deletes": [delete]}
        else:
            update = {"q": query, "u": _FORGIVING}
            command = {"update": "throttles", "updates": [update]}
        await self._client.run({**command, "writeConcern": DURABLE})


_FORGIVING: list[Document] = [
    {"$set": {"failures": {"$max": [{"$subtract": ["$failures", 1]}, 0]}}},
    {"$unset": "blocked_until"},
]
"""`handlers.throttling.forgiven`."""


def _counting(rule: ThrottleRule, now: datetime) -> list[Document]:
    """Return `handlers.throttling.attempt` as a pipeline, its cases in the same order."""
    failures, blocked_until = "$failures", "$blocked_until"
    waits = {
        "$and": [{"$ne": [{"$type": blocked_until}, "missing"]}, {"$lt": [now, blocked_until]}]
    }
    locked = False if rule.failures_max is None else {"$gte": [failures, rule.failures_max]}
    after = {"$add": [failures, 1]}
    kept = _kept(rule, now)
    return [
        {"$set": {"failures": {"$cond": [_forgotten(rule, now), 0, {"$ifNull": [failures, 0]}]}}},
        {"$set": {"allowed": {"$not": [{"$or": [locked, waits]}]}}},
        {
            "$set": {
                "failures": {"$cond": ["$allowed", after, failures]},
                "blocked_until": {"$cond": ["$allowed", _blocked_until(rule, now), blocked_until]},
                "last_at": {"$cond": ["$allowed", now, "$last_at"]},
                "expires_at": {"$cond": ["$allowed", kept, "$expires_at"]},
            }
        },
        {"$unset": "allowed"},
    ]


def _forgotten(rule: ThrottleRule, now: datetime) -> Document | bool:
    if rule.failures_max is not None:
        return False
    return {"$gt": [now, {"$add": ["$last_at", _ms(rule.forgotten_after)]}]}


def _kept(rule: ThrottleRule, now: datetime) -> datetime | str:
    """Return until when the document is needed; without that field it is never deleted."""
    return "$$REMOVE" if rule.failures_max is not None else now + rule.forgotten_after


def _blocked_until(rule: ThrottleRule, now: datetime) -> Document:
    """Return `handlers.throttling.wait` from *now* on, for one failure more than `$failures`."""
    doublings = {"$min": [{"$max": [{"$subtract": ["$failures", rule.free]}, 0]}, DOUBLINGS_MAX]}
    doubled = {"$multiply": [_ms(rule.first), {"$pow": [2, doublings]}]}
    until = {"$add": [now, {"$min": [doubled, _ms(rule.longest)]}]}
    return {"$cond": [{"$lt": ["$failures", rule.free]}, "$$REMOVE", until]}


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
