"""Counters of failed sign-ins in MongoDB."""

from asyncio import Lock
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar
from weakref import WeakValueDictionary

from msgspec.structs import asdict

from handlers.identity.subjects import below, of_user
from handlers.identity.throttling import Allowance, Count, ThrottleRule, attempt, forgiven, verdicts
from storage.mongo.client import DURABLE, MAJORITY, MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.stored_identities import to_count
from storage.ports.errors import LostRaceError, StoreUnavailableError

Verdict = TypeVar("Verdict")

ATTEMPTS_MAX = 100
"""One process has one write to a subject under way, so whoever loses so many races in a row has met
more processes than one subject ever keeps busy: the request is read again later."""


class MongoThrottles:
    """One document per subject, read, decided on by `handlers.identity.throttling`, and compared and set.

    A write finds the document only as it was read, so that no attempt is decided on a count that
    others have changed since: who loses that race reads and decides anew. Within a process attempts
    on one subject wait for each other, so that only other processes are raced.
    """

    def __init__(self, client: MongoClient) -> None:
        self._client = client
        self._turns = WeakValueDictionary[str, Lock]()
        """Subject → whose turn it is, for as long as somebody has or awaits it."""

    async def count(
        self, subject: str, *, rule: ThrottleRule, now: datetime, record: str | None = None
    ) -> Allowance:
        """Count one attempt on *subject* durably, unless it has to wait."""
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as it will be stored
        return await self._change(
            subject,
            lambda count: attempt(count, rule, now, record),
            {"expires_at": now + rule.forgotten_after},
        )

    async def look(
        self, rules: Mapping[str, ThrottleRule], *, now: datetime, record: str | None = None
    ) -> Mapping[str, Allowance]:
        """Return what `count` would say of each subject by its rule; count nothing."""
        return verdicts(await self._counts(*rules), rules, now, record)

    async def unlock(self, username: str) -> int:
        """Forget all that is counted of *username*; return how many counts there were."""
        first, end = below(username)
        return await self._forget({"$in": [of_user(username)]}, {"$gte": first, "$lt": end})

    async def forgive(self, subject: str, *, all_of_them: bool) -> None:
        """Take one attempt and the wait off the count, or forget them all."""
        if all_of_them:
            await self._forget({"$in": [subject]})
        else:
            await self._change(subject, lambda count: (forgiven(count), None), {})

    async def _forget(self, *ids: Document) -> int:
        deletes = [{"q": {"_id": each}, "limit": 0} for each in ids]
        command: Document = {"delete": "throttles", "deletes": deletes}
        return (await self._client.run({**command, "writeConcern": DURABLE}))["n"]

    async def _change(
        self, subject: str, decide: Callable[[Count], tuple[Count, Verdict]], more: Document
    ) -> Verdict:
        """Store the count that *decide* returns, if it is another, with *more*; return the rest."""
        async with self._turns.setdefault(subject, Lock()):
            for _ in range(ATTEMPTS_MAX):
                found = (await self._counts(subject)).get(subject)
                stored = Count() if found is None else found
                after, verdict = decide(stored)
                if after == stored or await self._replaced(subject, found, after, more):
                    return verdict
        raise StoreUnavailableError(
            "MongoDB could not count a sign-in, which others counted at the same time: "
            "check its load"
        )

    async def _replaced(
        self, subject: str, before: Count | None, after: Count, more: Document
    ) -> bool:
        """Store *after* in the place of *before*; say whether that was still there."""
        fields = asdict(after)
        present: Document = {name: value for name, value in fields.items() if value is not None}
        if before is None:
            document = {"_id": subject, **present, **more}
            command: Document = {"insert": "throttles", "documents": [document]}
        else:
            change: Document = {"$set": present | more}
            if absent := fields.keys() - present.keys():
                change["$unset"] = dict.fromkeys(absent, "")
            # MongoDB finds None where a field is absent.
            update = {"q": {"_id": subject, **asdict(before)}, "u": change}
            command = {"update": "throttles", "updates": [update]}
        try:
            return (await self._client.run({**command, "writeConcern": DURABLE}))["n"] == 1
        except LostRaceError:
            return False

    async def _counts(self, *subjects: str) -> dict[str, Count]:
        """Return those of *subjects* that are counted.

        Raises:
            CorruptDocumentError: One of them cannot be understood.
        """
        command: Document = {
            "find": "throttles",
            "filter": {"_id": {"$in": list(subjects)}},
            "batchSize": len(subjects),
            "singleBatch": True,
            "readConcern": MAJORITY,
        }
        found = (await self._client.run(command))["cursor"]["firstBatch"]
        return {each["_id"]: to_count(each) for each in found}
