"""Short ways to say which command was read, from where, and what was known then."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts.commands import COMMANDS, AnyCommand, command_name
from contracts.ledger import Deposit, Withdraw
from contracts.profile import UpdateProfile
from contracts.registration import Open, Register
from contracts.topics import ORDERED, TopicSpec
from handlers.ledger.batch import PerCommand
from handlers.ledger.finality import ReadPositions
from handlers.ledger.lane_decision import Answer, Gathered
from handlers.ledger.recording import Conclusion, conclude
from handlers.model.account import Account
from handlers.model.changes import Owners
from handlers.model.input_records import CommandRecord, fingerprint
from handlers.model.outcome import Outcome, Source, Trace
from handlers.model.refused import Refused
from handlers.model.rules import CurrencyRules, Rules
from handlers.wire.announcing import Announced, announce, is_repeat
from handlers.wire.rendering import Rendering

PREFIX = "accounts."
TOPICS = tuple(PREFIX + topic.name for topic in ORDERED)
SKEW_MS = 200
SEALED = "e30..aXY.Y2lwaGVy.dGFn"
"""Looks sealed; the core never opens it."""

RULES = Rules(
    currencies={
        "JPY": CurrencyRules(scale=0),
        "USD": CurrencyRules(scale=2),
        "KWD": CurrencyRules(scale=3),
        "BTC": CurrencyRules(scale=8),
        "ETH": CurrencyRules(scale=18),
    },
    clock_skew_ms=SKEW_MS,
)


def announced(command: CommandRecord, verdict: Conclusion | Outcome) -> Announced:
    """Return what is said of a decision, with nothing caught."""
    if isinstance(verdict, Conclusion):
        return announce(command, verdict.rendering, new=True)
    return announce(command, Rendering(verdict), new=False)


def by_rules(rules: Rules) -> PerCommand:
    """Return what is done for one command by *rules*, with nothing caught."""

    def bound(
        account: Account | None, command: CommandRecord, owners: Owners, now: datetime
    ) -> Conclusion | Refused:
        return conclude(account, command, owners, rules=rules, now=now)

    return PerCommand(
        conclude=bound,
        announce=announced,
    )


def a_deposit(
    amount: str = "10.00", username: str = "alice", command_id: str = "d-1", **fields: Any
) -> Deposit:
    """Return a deposit in USD, unless told otherwise."""
    told: dict[str, Any] = {"currency": "USD", **fields}
    return Deposit(command_id=command_id, username=username, amount=amount, **told)


def a_withdrawal(
    amount: str = "10.00", username: str = "alice", command_id: str = "w-1", **fields: Any
) -> Withdraw:
    """Return a withdrawal in USD, unless told otherwise."""
    told: dict[str, Any] = {"currency": "USD", **fields}
    return Withdraw(command_id=command_id, username=username, amount=amount, **told)


def a_registration(username: str = "alice", command_id: str = "r-1", **fields: Any) -> Register:
    """Return a registration under an address of the user's own."""
    told: dict[str, Any] = {
        "email": f"{username}@example.com",
        "first_name": "Given",
        "last_name": "Family",
        "sealed_password": SEALED,
    }
    return Register(command_id=command_id, username=username, **(told | fields))


def an_opening(username: str = "alice", command_id: str = "o-1", **fields: Any) -> Open:
    """Return the opening of an account with exactly *fields*."""
    return Open(command_id=command_id, username=username, **fields)


def an_update(username: str = "alice", command_id: str = "u-1", **fields: Any) -> UpdateProfile:
    """Return a change of exactly *fields*."""
    return UpdateProfile(command_id=command_id, username=username, **fields)


def topic_of(command: AnyCommand) -> TopicSpec:
    """Return the topic that such a command travels on."""
    return next(topic for topic, model in COMMANDS.items() if isinstance(command, model))


def received(
    command: AnyCommand, *, offset: int = 0, partition: int = 0, at_ms: int = 1000, **changed: Any
) -> CommandRecord:
    """Return *command* as read from its own topic."""
    topic = topic_of(command)
    name = command_name(topic)
    read = CommandRecord(
        command=command,
        type=name,
        rank=topic.rank or 0,
        fingerprint=fingerprint(name, command),
        source=Source(topic=PREFIX + topic.name, partition=partition, offset=offset),
        timestamp_ms=at_ms,
        trace=Trace(correlation_id=command.command_id),
    )
    return replace(read, **changed)


def known(
    *accounts: Account,
    outcomes: Mapping[str, Outcome] | None = None,
    email_owners: dict[str, str] | None = None,
    name_owners: dict[str, str] | None = None,
) -> Gathered:
    """Return what the store knew: these accounts, and their owners of addresses."""
    owners = {one.profile.email: one.username for one in accounts if one.profile.email is not None}
    return Gathered(
        accounts={account.username: account for account in accounts},
        outcomes=outcomes or {},
        owners=Owners(
            emails=owners if email_owners is None else email_owners, names=name_owners or {}
        ),
    )


def all_read(topics: tuple[str, ...] = ()) -> ReadPositions:
    """Return that nothing is left to read, so that every refusal is final."""
    return ReadPositions(topics=topics, clock_skew_ms=SKEW_MS, ours={})


def nothing_read() -> ReadPositions:
    """Return that other topics may hold anything, and that their ends are unknown."""
    return ReadPositions(topics=TOPICS, clock_skew_ms=SKEW_MS, ours={})


def repeats(answer: Answer) -> bool:
    """Say whether the sender is told that another record of this command was decided before."""
    return answer.outcome is not None and is_repeat(answer.received, answer.outcome, new=answer.new)
