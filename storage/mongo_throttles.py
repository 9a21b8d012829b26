"""Counters of failed sign-ins in MongoDB."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from handlers.subjects import below, of_user
from handlers.throttling import DOUBLINGS_MAX, Attempt, Count, ThrottleRule, attempt, verdicts
from storage.documents import Document
from storage.mongo_client import DURABLE, MAJORITY, MongoClient
from storage.mongo_errors import RefusedError
from storage.ports import LostRaceError, StoreUnavailableError
from storage.stored_identities import to_count

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

    async def count(
        self, subject: str, *, rule: ThrottleRule, now: datetime, record: str | None = None
    ) -> Attempt:
        """Count one attempt on *subject* durably, unless it has to wait."""
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as it will be stored
        command: Document = {
            "findAndModify": "throttles",
            "query": {"_id": subject},
            "update": _counting(rule, now, record),
            "upsert": True,
            "new": False,
            "writeConcern": DURABLE,
        }
        for _ in range(ATTEMPTS_MAX):
            try:
                before = (await self._client.run(command))["value"]
            except LostRaceError:
                continue
            except RefusedError:
                await self._check(subject)
                raise
            stored = Count() if before is None else to_count(before)
            return attempt(stored, rule, now, record)[1]
        raise StoreUnavailableError(
            "MongoDB could not count a sign-in, which others counted at the same time: "
            "check its load"
        )

    async def look(
        self, rules: Mapping[str, ThrottleRule], *, now: datetime, record: str | None = None
    ) -> Mapping[str, Attempt]:
        """Return what `count` would say of each subject by its rule; count nothing."""
        command: Document = {
            "find": "throttles",
            "filter": {"_id": {"$in": list(rules)}},
            "batchSize": len(rules),
            "singleBatch": True,
            "readConcern": MAJORITY,
        }
        found = (await self._client.run(command))["cursor"]["firstBatch"]
        return verdicts({each["_id"]: to_count(each) for each in found}, rules, now, record)

    async def unlock(self, username: str) -> int:
        """Forget all that is counted of *username*; return how many counts there were."""
        first, end = below(username)
        query = {"$or": [{"_id": of_user(username)}, {"_id": {"$gte": first, "$lt": end}}]}
        command: Document = {"delete": "throttles", "deletes": [{"q": query, "limit": 0}]}
        return (await self._client.run({**command, "writeConcern": DURABLE}))["n"]

    async def forgive(self, subject: str, *, all_of_them: bool) -> None:
        """Take one attempt and the wait off the count, or forget them all."""
        query = {"_id": subject}
        if all_of_them:
            delete = {"q": query, "limit": 1}
            command: Document = {"delete": "throttles", "deletes": [delete]}
        else:
            update = {"q": query, "u": _FORGIVING}
            command = {"update": "throttles", "updates": [update]}
        try:
            await self._client.run({**command, "writeConcern": DURABLE})
        except RefusedError:
            await self._check(subject)
            raise

    async def _check(self, subject: str) -> None:
        """Raise what is wrong with a count that the server refuses to go on with, if anything is."""
        for document in await self._client.page("throttles", {"_id": subject}, {"_id": 1}, 1):
            to_count(document)


_FORGIVING: list[Document] = [
    {"$set": {"failures": {"$max": [{"$subtract": ["$failures", 1]}, 0]}}},
    {"$unset": ["blocked_until", "counted_for"]},
]
"""`handlers.throttling.forgiven`."""


def _counting(rule: ThrottleRule, now: datetime, record: str | None) -> list[Document]:
    """Return `handlers.throttling.attempt` as a pipeline: aged first, then counted if it may be."""
    failures, blocked_until = "$failures", "$blocked_until"
    again = False if record is None else {"$eq": ["$counted_for", {"$literal": record}]}
    waits = {
        "$and": [{"$ne": [{"$type": blocked_until}, "missing"]}, {"$lt": [now, blocked_until]}]
    }
    used_up = False if rule.failures_max is None else {"$gte": [failures, rule.failures_max]}
    since = {"$cond": [{"$gt": [failures, 0]}, "$since", now]}
    counted: Document = {
        "failures": {"$add": [failures, 1]},
        "blocked_until": _blocked_until(rule, now),
        "last_at": now,
        "since": "$$REMOVE" if rule.one_back_every is None else since,
        "counted_for": "$$REMOVE" if record is None else {"$literal": record},
        "expires_at": now + rule.forgotten_after,
    }
    return [
        *_ageing(rule, now),
        {"$set": {"counts": {"$not": [{"$or": [again, used_up, waits]}]}}},
        {"$set": {name: {"$cond": ["$counts", to, f"${name}"]} for name, to in counted.items()}},
        {"$unset": "counts"},
    ]


def _ageing(rule: ThrottleRule, now: datetime) -> list[Document]:
    """Return what leaves of the count what is left of it by *now*."""
    last_at = {"$ifNull": ["$last_at", now]}
    forgotten = {"$gt": [now, {"$add": [last_at, _ms(rule.forgotten_after)]}]}
    ageing: list[Document] = [
        {
            "$set": {
                "failures": {"$cond": [forgotten, 0, {"$ifNull": ["$failures", 0]}]},
                "counted_for": {"$cond": [forgotten, "$$REMOVE", "$counted_for"]},
            }
        }
    ]
    if rule.one_back_every is None:
        return ageing
    every_ms = _ms(rule.one_back_every)
    since = {"$ifNull": ["$since", {"$ifNull": ["$last_at", now]}]}
    passed = {"$floor": {"$divide": [{"$subtract": [now, "$since"]}, every_ms]}}
    left = {"$toInt": {"$max": [{"$subtract": ["$failures", "$passed"]}, 0]}}
    moved = {"$add": ["$since", {"$multiply": ["$passed", every_ms]}]}
    return [
        *ageing,
        {"$set": {"since": since}},
        {"$set": {"passed": {"$toLong": {"$max": [passed, 0]}}}},
        {"$set": {"failures": left, "since": moved}},
        {"$unset": "passed"},
    ]


def _blocked_until(rule: ThrottleRule, now: datetime) -> Document:
    """Return `handlers.throttling.wait` from *now* on, for one failure more than `$failures`."""
    doublings = {"$min": [{"$max": [{"$subtract": ["$failures", rule.free]}, 0]}, DOUBLINGS_MAX]}
    doubled = {"$multiply": [_ms(rule.first), {"$pow": [2, doublings]}]}
    until = {"$add": [now, {"$min": [doubled, _ms(rule.longest)]}]}
    return {"$cond": [{"$lt": ["$failures", rule.free]}, "$$REMOVE", until]}


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
