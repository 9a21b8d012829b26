"""Each command is refused with the codes that the contract lists for it, and with no other."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from contracts import topics
from contracts.codes import Code
from contracts.commands import COMMANDS, AnyCommand
from contracts.refusals import COMMAND_REFUSALS
from contracts.topics import TopicSpec
from handlers.ledger.decide import decide
from handlers.model.account import Account, Balance
from handlers.model.changes import Owners
from handlers.model.input_records import NOTHING_SEALED, Judged
from handlers.model.refused import Refused
from handlers.model.rules import CurrencyRules
from tests.builders import NOON, an_account
from tests.received import (
    RULES,
    a_deposit,
    a_registration,
    a_withdrawal,
    an_opening,
    an_update,
    received,
)

LIMITS = CurrencyRules(
    scale=2,
    amount_minor_min=100,
    deposit_minor_max=1000,
    withdraw_minor_max=1000,
    balance_minor_max=1500,
)
TIGHT = replace(RULES, currencies={"USD": LIMITS, "EUR": LIMITS}, currencies_max=1)
BEFORE = NOON - timedelta(minutes=1)
OTHERS = "bob@example.com"
MOVES: list[dict[str, Any]] = [
    {"amount": amount, "currency": currency, "expires_at": expires_at}
    for amount in ("0", "1.001", "9.00", "11.00")
    for currency in ("USD", "EUR", "XAU")
    for expires_at in (None, BEFORE)
]
MOVES.append({"amount": "1.00", "house": "tips"})
COMMANDS_TRIED: dict[TopicSpec, Sequence[AnyCommand]] = {
    topics.OPEN: [an_opening(), an_opening(email=OTHERS)],
    topics.REGISTER: [a_registration(), a_registration(email=OTHERS)],
    topics.DEPOSIT: [a_deposit(**fields) for fields in MOVES],
    topics.UPDATE_PROFILE: [an_update(first_name="A"), an_update(email=OTHERS)],
    topics.WITHDRAW: [a_withdrawal(**fields) for fields in MOVES],
}
ACCOUNTS: Sequence[Account | None] = [
    None,
    an_account(),
    an_account(balances={"USD": Balance(posted_minor=800, scale=2)}),
]
OWNERS = [Owners(), Owners(emails={OTHERS: "bob"}), Owners(names={"alice": "Alice"})]
OF_A_CLAIM = [
    NOTHING_SEALED,
    Judged(claim_digest=bytes(32)),
    Judged(problem=Code.SEAL_INVALID),
    Judged(problem=Code.CLAIM_MALFORMED),
]
OF_A_PASSWORD = [
    Judged(problem=code)
    for code in (
        Code.PASSWORD_TOO_SHORT,
        Code.PASSWORD_TOO_LONG,
        Code.PASSWORD_PERSONAL,
        Code.PASSWORD_COMMON,
        Code.PASSWORD_HASH_UNSUPPORTED,
        Code.PASSWORD_HASH_TOO_COSTLY,
    )
]
VERDICTS = {
    topics.OPEN: OF_A_CLAIM,
    topics.REGISTER: [*OF_A_CLAIM, *OF_A_PASSWORD],
}
"""What is found of sealed fields before their command is decided."""


def had(topic: TopicSpec) -> Iterator[Code]:
    """Yield the code of every refusal that the rules come to."""
    verdicts = VERDICTS.get(topic, [NOTHING_SEALED])
    tried = product(COMMANDS_TRIED[topic], ACCOUNTS, OWNERS, verdicts)
    for command, account, owners, verdict in tried:
        record = received(command, judged=verdict)
        decision = decide(account, record, owners, rules=TIGHT, now=NOON)
        if isinstance(decision, Refused):
            yield decision.code


@pytest.mark.parametrize("topic", COMMANDS, ids=lambda topic: topic.name)
def test_the_rules_come_to_what_the_contract_lists(topic: TopicSpec) -> None:
    listed = {code for code in COMMAND_REFUSALS[topic] if code.info.recorded}

    assert set(had(topic)) == listed


@pytest.mark.parametrize("topic", COMMANDS, ids=lambda topic: topic.name)
def test_every_command_can_be_none_at_all(topic: TopicSpec) -> None:
    """Codes that are no decision, which are asked before any rule is."""
    undecided = {code for code in COMMAND_REFUSALS[topic] if not code.info.recorded}

    assert undecided == {
        Code.INVALID_COMMAND,
        Code.UNSEALED_PASSWORD,
        Code.INTERNAL_ERROR,
        Code.ACCOUNT_UNREADABLE,
        Code.COMMAND_ID_CONFLICT,
    }
