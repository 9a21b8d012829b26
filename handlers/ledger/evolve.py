"""How a decision changes an account."""

from datetime import datetime
from typing import assert_never

from msgspec.structs import replace

from contracts.commands import AnyCommand
from handlers.ledger.registration import account_id
from handlers.model.account import Account, Balance
from handlers.model.chain import chain_start
from handlers.model.decision import Moved, Opened, ProfileChanged, TakenOver
from handlers.model.input_records import CommandRecord

NOT_STORED = 0
"""Version of an account that no write has created yet."""


def evolve(
    account: Account | None,
    decision: Opened | TakenOver | ProfileChanged | Moved,
    received: CommandRecord,
    *,
    now: datetime,
    head: bytes | None = None,
) -> Account:
    """Return the account as it is after *decision*; versions and writers are stamped later.

    *head* is the hash of the entry that it makes, where it makes one.
    """
    if isinstance(decision, Opened):
        assert account is None
        return _opened(decision, received.command, now)
    assert account is not None
    match decision:
        case TakenOver():
            return replace(
                account,
                profile=decision.profile,
                changed_at=now,
                signs_in=True,
                claim_digest=None,
            )
        case ProfileChanged():
            return replace(account, profile=decision.profile, changed_at=now)
        case Moved():
            return _moved(account, decision, now, head)
        case _:
            assert_never(decision)


def _opened(opened: Opened, command: AnyCommand, now: datetime) -> Account:
    identifier = account_id(command.username, command.command_id)
    return Account(
        username=command.username,
        account_id=identifier,
        profile=opened.profile,
        balances={},
        sequence=0,
        version=NOT_STORED,
        writer="",
        published_sequence=0,
        opened_at=now,
        changed_at=now,
        signs_in=opened.signs_in,
        head=chain_start(identifier),
        claim_digest=opened.claim_digest,
    )


def _moved(account: Account, moved: Moved, now: datetime, head: bytes | None) -> Account:
    balance = Balance(
        posted_minor=moved.after_minor, held_minor=moved.held_minor, scale=moved.scale
    )
    # Written out, because this runs for every movement and `replace` takes four times as long.
    return Account(
        username=account.username,
        account_id=account.account_id,
        profile=account.profile,
        balances={**account.balances, moved.currency: balance},
        sequence=account.sequence + 1,
        version=account.version,
        writer=account.writer,
        published_sequence=account.published_sequence,
        opened_at=account.opened_at,
        changed_at=now,
        signs_in=account.signs_in,
        head=head,
        books=account.books,
        claim_digest=account.claim_digest,
    )
