"""Everybody in MongoDB as of one moment, for whoever moves out."""

from collections.abc import AsyncIterator, Mapping

from handlers.model.corrupt import CorruptDocument
from storage.mongo.client import MongoClient
from storage.mongo.documents.accounts import Document
from storage.mongo.documents.stored import account_or_corrupt
from storage.mongo.documents.stored_identities import to_credential
from storage.mongo.moment import Moment
from storage.ports.credentials import Credential
from storage.ports.errors import CorruptDocumentError
from storage.ports.export import StoredUser

PAGE_USERS = 1000
"""Read at once: a few MiB at most, within one operation's time."""


class MongoExport:
    """Every read names the same moment of the cluster, which the first one takes."""

    def __init__(self, client: MongoClient) -> None:
        self._client = client

    async def users(self, *, with_credentials: bool) -> AsyncIterator[StoredUser]:
        """Yield all by username."""
        moment, macs = Moment(self._client), self._client.macs()
        query: Document = {}
        while found := await moment.page("accounts", query, PAGE_USERS):
            names = [each["_id"] for each in found]
            credentials: Mapping[str, Credential | CorruptDocument] = {}
            if with_credentials:
                credentials = await self._credentials(moment, names)
            for document in found:
                yield StoredUser(
                    account_or_corrupt(document, macs), credentials.get(document["_id"])
                )
            query = {"_id": {"$gt": names[-1]}}

    async def _credentials(
        self, moment: Moment, names: list[str]
    ) -> Mapping[str, Credential | CorruptDocument]:
        found = await moment.page("credentials", {"_id": {"$in": names}}, len(names))
        return {each["_id"]: _credential_or_corrupt(each) for each in found}


def _credential_or_corrupt(document: Document) -> Credential | CorruptDocument:
    try:
        return to_credential(document)
    except CorruptDocumentError as error:
        return error.document
