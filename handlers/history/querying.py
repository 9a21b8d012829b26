"""Answers to questions about accounts and commands, as the optional fields of a reply."""

from typing import Any

from contracts.codes import Code
from contracts.message import rfc3339
from contracts.queries import GetBalance, GetOutcome, GetProfile
from handlers.ledger.movements import unknown_account
from handlers.model.account import Account
from handlers.model.outcome import Outcome
from handlers.model.refused import Refused
from handlers.wire.bodies import balances_body
from handlers.wire.rendering import Rendering


def profile(
    query: GetProfile, account: Account | None, *, has_credential: bool
) -> dict[str, Any] | Refused:
    """Say who a user is, as `contracts.queries.ProfileAnswer`."""
    if account is None:
        return unknown_account(query.username)
    known = account.profile
    answer: dict[str, Any] = {
        "account_id": account.account_id,
        "status": "pending" if account.signs_in and not has_credential else "active",
        "email": known.email,
        "first_name": known.first_name,
        "last_name": known.last_name,
        "marketing_consent": known.marketing_consent,
        "opened_at": rfc3339(account.opened_at),
        "phone": known.phone,
    }
    if known.date_of_birth is not None:
        answer["date_of_birth"] = known.date_of_birth.isoformat()
    return {"profile": {name: value for name, value in answer.items() if value is not None}}


def balances(query: GetBalance, account: Account | None) -> dict[str, Any] | Refused:
    """Say what an account holds, as `contracts.events.Balances`: nothing in a currency never used."""
    if account is None:
        return unknown_account(query.username)
    return {"balances": balances_body(account, query.currency)}


def outcome(
    query: GetOutcome, recorded: Outcome | None, *, has_credential: bool
) -> dict[str, Any] | Refused:
    """Say what became of a command, as `contracts.queries.OutcomeAnswer`."""
    if recorded is None:
        return Refused(
            code=Code.UNKNOWN_COMMAND,
            detail=f"no command {query.command_id} of {query.username} was decided so far",
        )
    pending = awaits_credential(recorded) and not has_credential
    result = Rendering(recorded).result_body(duplicate=False)
    return {"outcome": {"state": "pending" if pending else "decided", "result": result}}


def awaits_credential(recorded: Outcome) -> bool:
    """Say whether this command is done only once its user has a credential."""
    return recorded.type == "register" and recorded.code is None
