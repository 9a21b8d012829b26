"""One lane's transaction: a snapshot to decide on, and one write."""

from collections.abc import Collection, Mapping, Sequence

from handlers.history.reference import Referring
from handlers.model.account import Account
from handlers.model.changes import Changes
from handlers.model.corrupt import CorruptDocument
from handlers.model.outcome import Outcome
from handlers.model.unpublished import EntryRange
from storage.mongo.client import MongoClient
from storage.mongo.documents.account_macs import AccountMacs
from storage.mongo.documents.accounts import Document, from_account, from_outcome
from storage.mongo.documents.houses import added
from storage.mongo.documents.stored import account_or_corrupt
from storage.mongo.documents.stored_outcomes import outcome_or_corrupt
from storage.mongo.documents.stored_references import owner_or_corrupt
from storage.mongo.work import MongoWork

RANGES_MAX = 200
"""Clauses in one query, one for each range that differs: each is planned by itself, within one
operation's time."""


class MongoTransaction(MongoWork):
    """Written in as few commands as there are collections to touch."""

    def __init__(self, client: MongoClient) -> None:
        super().__init__(client)
        self._versions: dict[str, int] = {}
        """Of the accounts in this snapshot that were read and not written since."""

    async def accounts(self, usernames: Collection[str]) -> Mapping[str, Account | CorruptDocument]:
        """Return the accounts that exist."""
        documents = await self._find("accounts", {"_id": {"$in": list(usernames)}}, len(usernames))
        macs = self._client.macs()
        found = {document["_id"]: account_or_corrupt(document, macs) for document in documents}
        for name, account in found.items():
            if isinstance(account, Account):
                self._versions[name] = account.version
        return found

    async def outcomes(self, ids: Collection[str]) -> Mapping[str, Outcome | CorruptDocument]:
        """Return the decisions already recorded, by `Outcome.id`."""
        found = await self._find("outcomes", {"_id": {"$in": list(ids)}}, len(ids))
        return {document["_id"]: outcome_or_corrupt(document) for document in found}

    async def email_owners(self, emails: Collection[str]) -> Mapping[str, str | CorruptDocument]:
        """Return claimed address → username."""
        found = await self._find("emails", {"_id": {"$in": list(emails)}}, len(emails))
        return {each["_id"]: owner_or_corrupt(Referring.EMAILS, each) for each in found}

    async def name_owners(self, names: Collection[str]) -> Mapping[str, str | CorruptDocument]:
        """Return claimed sign-in name → username."""
        found = await self._find("names", {"_id": {"$in": list(names)}}, len(names))
        return {each["_id"]: owner_or_corrupt(Referring.NAMES, each) for each in found}

    async def entries(self, ranges: Collection[EntryRange]) -> Sequence[Outcome | CorruptDocument]:
        """Return the outcomes with those entries, per account in ascending sequence."""
        # Accounts that owe the same sequences share a clause: planning each by itself takes longer
        # than reading it.
        alike: dict[tuple[int, int], list[str]] = {}
        for each in ranges:
            alike.setdefault((each.after, each.up_to), []).append(each.username)
        wanted: list[Document] = [
            {"username": {"$in": usernames}, "sequence": {"$gt": after, "$lte": up_to}}
            for (after, up_to), usernames in alike.items()
        ]
        total = sum(each.up_to - each.after for each in ranges)
        found: list[Document] = []
        for start in range(0, len(wanted), RANGES_MAX):
            some = wanted[start : start + RANGES_MAX]
            found += await self._find("outcomes", {"$or": some}, total)
        found.sort(key=_place)
        return [outcome_or_corrupt(document) for document in found]

    async def apply(self, changes: Changes) -> None:
        """Write *changes*: claims first, because others may wait for an address given up."""
        self._whole = False
        await self._delete_claims(changes)
        await self._insert(
            "emails", [{"_id": each.email, "username": each.username} for each in changes.claimed]
        )
        await self._insert(
            "names", [{"_id": each.name, "username": each.username} for each in changes.names]
        )
        macs = self._client.macs()
        await self._insert(
            "accounts", [from_account(each, macs) for each in changes.accounts if each.version == 1]
        )
        await self._replace(macs, [each for each in changes.accounts if each.version > 1])
        await self._insert("outcomes", [from_outcome(each) for each in changes.outcomes])
        await self._update("houses", [added(each) for each in changes.houses])
        # One that is left of an account that was removed by hand would be a race lost for ever.
        # Whoever took an account over waits from then on, not since it was opened.
        await self._update(
            "registrations",
            [
                {"q": {"_id": each.username}, "u": {"opened_at": each.changed_at}, "upsert": True}
                for each in changes.registered
            ],
        )
        self._whole = True

    async def _replace(self, macs: AccountMacs, accounts: Sequence[Account]) -> None:
        updates: list[Document] = [
            {"q": self._before(each), "u": from_account(each, macs)} for each in accounts
        ]
        await self._update("accounts", updates)

    def _before(self, account: Account) -> Document:
        """Return what finds the version that *account* follows.

        What this snapshot was read from, nobody else can write without a lost race. So the id is
        enough, and costs MongoDB half of what it takes to plan and check more.
        """
        before = account.version - 1
        if self._versions.pop(account.username, None) == before:
            return {"_id": account.username}
        return {"_id": account.username, "version": before}

    async def _delete_claims(self, changes: Changes) -> None:
        deletes: list[Document] = [
            {"q": {"_id": each.email, "username": each.username}, "limit": 1}
            for each in changes.released
        ]
        if deletes:
            await self._write({"delete": "emails", "deletes": deletes})


def _place(document: Document) -> tuple[str, int]:
    """Return where an entry belongs; anywhere, where that cannot be understood."""
    username, sequence = document["username"], document["sequence"]
    return str(username), sequence if isinstance(sequence, int) else 0
