"""Ids of an import's commands: the same whenever the same account moves in under the same name."""

import hashlib
import re

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", re.ASCII)
"""Of an import: it stands in every id, readable, and has no colon, which separates the parts."""

COMMAND_ID_LENGTH_MAX = 128
"""As `contracts.message.COMMAND_ID_PATTERN` has it."""

DIGEST_BYTES = 16
"""Of a username that is too long to stand in an id: nobody finds two with the same."""


def command_id(name: str, username: str, currency: str = "") -> str:
    """Return the id of what opens the account of *username*, or pays its *currency* in.

    An id names one decision of one user, so that one with a digest in it never meets another's.
    """
    identifier = ":".join(["import", name, username, *([currency] if currency else [])])
    if len(identifier) <= COMMAND_ID_LENGTH_MAX:
        return identifier
    digest = hashlib.blake2b(username.encode(), digest_size=DIGEST_BYTES).hexdigest()
    return command_id(name, digest, currency)
