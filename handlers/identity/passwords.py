"""Which passwords are refused (NIST SP 800-63B §5.1.1.2: length and a blocklist, no composition)."""

import unicodedata
from collections.abc import Collection

from contracts.codes import Code

PASSWORD_LENGTH_MIN = 8
"""Characters, as they count after NFKC: NIST SP 800-63B's least for a chosen secret."""

PASSWORD_LENGTH_MAX = 256
"""Characters: room for any sentence, a bound on what is hashed."""


def prepared(password: str) -> str:
    """Return *password* in NFKC, the form that is checked and hashed.

    The same key presses must give the same password on every keyboard and system.
    """
    return unicodedata.normalize("NFKC", password)


def folded(text: str) -> str:
    """Return *text* as it is compared: NFKC and without case."""
    return prepared(prepared(text).casefold())


def password_refusal(
    password: str, *, username: str, email: str, common: Collection[str]
) -> Code | None:
    """Return why *password*, prepared, is refused; `common` holds folded passwords."""
    if len(password) < PASSWORD_LENGTH_MIN:
        return Code.PASSWORD_TOO_SHORT
    if len(password) > PASSWORD_LENGTH_MAX:
        return Code.PASSWORD_TOO_LONG
    candidate = folded(password)
    local_part = email.rpartition("@")[0]
    if candidate in {folded(username), folded(email), folded(local_part)}:
        return Code.PASSWORD_PERSONAL
    if candidate in common:
        return Code.PASSWORD_COMMON
    return None
