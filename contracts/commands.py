"""Which command travels on which topic."""

from typing import TypeAlias

from contracts import topics
from contracts.ledger import Deposit, Withdraw
from contracts.profile import UpdateProfile
from contracts.registration import Register
from contracts.topics import TopicSpec

AnyCommand: TypeAlias = Register | Deposit | Withdraw | UpdateProfile

COMMANDS: dict[TopicSpec, type[AnyCommand]] = {
    topics.REGISTER: Register,
    topics.DEPOSIT: Deposit,
    topics.UPDATE_PROFILE: UpdateProfile,
    topics.WITHDRAW: Withdraw,
}


def command_name(topic: TopicSpec) -> str:
    """Return the command's name as results and audit events say it, such as `update-profile`."""
    return topic.name.removeprefix("commands.")
