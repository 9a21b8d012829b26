"""Counters of failed sign-ins in MongoDB."""

from datetime import datetime, timedelta

from handlers.throttling import DOUBLINGS_MAX, Attempt, Count, ThrottleRule, attempt
from storage.documents import Document
from storage.mongo_client import DURABLE, MongoClient
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
    after = {"$add": [failures, 1]}
    since = {"$cond": [{"$gt": [failures, 0]}, "$since", now]}
    counted: Document = {
        "failures": after,
        "blocked_until": _blocked_until(rule, now),
        "last_at": now,
        "since": "$$REMOVE" if rule.halved_every is None else since,
        "counted_for": "$$REMOVE" if record is None else {"$literal": record},
        "expires_at": {"$cond": [_locked(rule, after), "$$REMOVE", now + rule.forgotten_after]},
    }
    return [
        *_ageing(rule, now),
        {"$set": {"counts": {"$not": [{"$or": [again, _locked(rule, failures), waits]}]}}},
        {"$set": {name: {"$cond": ["$counts", to, f"${name}"]} for name, to in counted.items()}},
        {"$unset": "counts"},
    ]


def _locked(rule: ThrottleRule, failures: str | Document) -> Document | bool:
    return False if rule.failures_max is None else {"$gte": [failures, rule.failures_max]}


def _ageing(rule: ThrottleRule, now: datetime) -> list[Document]:
    """Return what leaves of the count what is left of it by *now*."""
    last_at = {"$ifNull": ["$last_at", now]}
    over = {"$gt": [now, {"$add": [last_at, _ms(rule.forgotten_after)]}]}
    forgotten = {"$and": [over, {"$not": [_locked(rule, "$failures")]}]}
    gone: Document = {"$cond": [forgotten, "$$REMOVE", "$counted_for"]}
    left: Document = {"$cond": [forgotten, 0, {"$ifNull": ["$failures", 0]}]}
    ageing: Document = {"$set": {"failures": left, "counted_for": gone}}
    if rule.halved_every is None:
        return [ageing]
    every_ms = _ms(rule.halved_every)
    since = {"$ifNull": ["$since", {"$ifNull": ["$last_at", now]}]}
    passed = {"$floor": {"$divide": [{"$subtract": [now, "$since"]}, every_ms]}}
    halvings = {"$toLong": {"$max": [passed, 0]}}
    divisor = {"$pow": [2, {"$min": ["$halvings", DOUBLINGS_MAX]}]}
    halved = {"$toInt": {"$floor": {"$divide": ["$failures", divisor]}}}
    moved = {"$add": ["$since", {"$multiply": ["$halvings", every_ms]}]}
    return [
        ageing,
        {"$set": {"since": since}},
        {"$set": {"halvings": halvings}},
        {"$set": {"failures": halved, "since": moved}},
        {"$unset": "halvings"},
    ]


def _blocked_until(rule: ThrottleRule, now: datetime) -> Document:
    """Return `handlers.throttling.wait` from *now* on, for one failure more than `$failures`."""
    doublings = {"$min": [{"$max": [{"$subtract": ["$failures", rule.free]}, 0]}, DOUBLINGS_MAX]}
    doubled = {"$multiply": [_ms(rule.first), {"$pow": [2, doublings]}]}
    until = {"$add": [now, {"$min": [doubled, _ms(rule.longest)]}]}
    return {"$cond": [{"$lt": ["$failures", rule.free]}, "$$REMOVE", until]}


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
