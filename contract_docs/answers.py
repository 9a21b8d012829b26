"""What an answer holds, by its status and by what it answers."""

from collections.abc import Mapping

from contracts import topics
from contracts.topics import TopicSpec

STATUS = (
    "`accepted`: it is done, and `error` is absent. `rejected`: nothing was changed, `error` is there, and of "
    "the other optional fields none, but for `retry_after_s` with `too_many_attempts`."
)
RESULT_HOLDS: Mapping[TopicSpec, tuple[str, ...]] = {
    topics.OPEN: ("account_id",),
    topics.REGISTER: ("account_id",),
    topics.DEPOSIT: ("entry",),
    topics.UPDATE_PROFILE: (),
    topics.WITHDRAW: ("entry",),
}
"""The optional fields of the result of an accepted command."""

REPLY_HOLDS: Mapping[TopicSpec, tuple[str, ...]] = {
    topics.LOGIN: ("session_id", "sealed_tokens"),
    topics.REFRESH: ("sealed_tokens",),
    topics.LOGOUT: ("sessions_ended",),
    topics.CHANGE_PASSWORD: ("sessions_ended",),
    topics.GET_PROFILE: ("profile",),
    topics.GET_BALANCE: ("balances",),
    topics.GET_OUTCOME: ("outcome",),
    topics.LIST_TRANSACTIONS: ("page",),
}
"""The optional fields of the reply to an accepted request."""


def held(holds: Mapping[TopicSpec, tuple[str, ...]]) -> str:
    """Return for people what an accepted answer holds, by the name of what it answers."""
    said = (f"`{topic.name.rpartition('.')[2]}` {_listed(names)}" for topic, names in holds.items())
    return f"Accepted, it holds, beside what is always there: of {', of '.join(said)}."


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join(f"`{name}`" for name in names) or "nothing"
