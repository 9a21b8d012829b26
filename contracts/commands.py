"""Which command travels on which topic."""

from typing import Literal, TypeAlias, TypeGuard, cast, get_args

from contracts import topics
from contracts.ledger import Deposit, Movement, Withdraw
from contracts.profile import UpdateProfile
from contracts.registration import Open, Register
from contracts.topics import TopicSpec

AnyCommand: TypeAlias = Open | Register | Deposit | Withdraw | UpdateProfile

CommandName: TypeAlias = Literal["open", "register", "deposit", "update-profile", "withdraw"]
"""As results and audit events say it: whoever branches on it covers all, or does not type-check."""

COMMANDS: dict[TopicSpec, type[AnyCommand]] = {
    topics.OPEN: Open,
    topics.REGISTER: Register,
    topics.DEPOSIT: Deposit,
    topics.UPDATE_PROFILE: UpdateProfile,
    topics.WITHDRAW: Withdraw,
}

_MOVEMENTS = frozenset(model for model in COMMANDS.values() if issubclass(model, Movement))


def is_movement(command: AnyCommand) -> TypeGuard[Movement]:
    """Say whether *command* moves money. Asked of every one: `isinstance` takes four times as long."""
    return type(command) in _MOVEMENTS


def command_name(topic: TopicSpec) -> CommandName:
    """Return the name of the command that travels on *topic*."""
    name = topic.name.removeprefix("commands.")
    assert name in get_args(CommandName), f"add {name} to CommandName"
    return cast("CommandName", name)
