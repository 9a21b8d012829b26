"""An account as the line that moves it in again."""

from typing import Any

import orjson

from contracts.money import to_amount
from handlers.model.account import Account

PROFILE_FIELDS = ("email", "first_name", "last_name", "phone", "date_of_birth")
"""Left out where there is none. `marketing_consent` is left out where none was given."""


def exported_line(account: Account, password_hash: str | None) -> bytes:
    """Return who it is and what is posted, in every currency that has something; with its line end."""
    line: dict[str, Any] = {"username": account.username}
    for name in PROFILE_FIELDS:
        value = getattr(account.profile, name)
        if value is not None:
            line[name] = value
    if account.profile.marketing_consent:
        line["marketing_consent"] = True
    line["balances"] = {
        currency: to_amount(balance.posted_minor, balance.scale)
        for currency, balance in account.balances.items()
        if balance.posted_minor
    }
    if password_hash is not None:
        line["password_hash"] = password_hash
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
