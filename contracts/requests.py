"""Which request travels on which topic."""

from typing import TypeAlias

from contracts import topics
from contracts.passwords import ChangePassword
from contracts.queries import GetBalance, GetOutcome, GetProfile, ListTransactions
from contracts.sessions import Login, Logout, Refresh
from contracts.topics import TopicSpec

IdentityRequest: TypeAlias = Login | Refresh | Logout | ChangePassword
Query: TypeAlias = GetProfile | GetBalance | GetOutcome | ListTransactions
AnyRequest: TypeAlias = IdentityRequest | Query

IDENTITY_REQUESTS: dict[TopicSpec, type[IdentityRequest]] = {
    topics.LOGIN: Login,
    topics.REFRESH: Refresh,
    topics.LOGOUT: Logout,
    topics.CHANGE_PASSWORD: ChangePassword,
}
QUERIES: dict[TopicSpec, type[Query]] = {
    topics.GET_PROFILE: GetProfile,
    topics.GET_BALANCE: GetBalance,
    topics.GET_OUTCOME: GetOutcome,
    topics.LIST_TRANSACTIONS: ListTransactions,
}
REQUESTS: dict[TopicSpec, type[AnyRequest]] = {**IDENTITY_REQUESTS, **QUERIES}


def request_name(topic: TopicSpec) -> str:
    """Return the request's name as replies and audit events say it, such as `get-balance`."""
    return topic.name.removeprefix("requests.")
