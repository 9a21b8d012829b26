"""Claims: what somebody who opens an account gives to the one who may take it over."""

import hashlib
import re
from typing import Annotated, TypeAlias

import msgspec

from contracts.registration import CLAIM_PATTERN

CLAIM_DIGEST_BYTES = 32
"""As many as a claim has random bytes: the digest is no easier to hit than the claim."""

ClaimDigest: TypeAlias = Annotated[
    bytes, msgspec.Meta(min_length=CLAIM_DIGEST_BYTES, max_length=CLAIM_DIGEST_BYTES)
]
"""As it is stored."""

_CLAIM = re.compile(CLAIM_PATTERN)
_PERSON = b"accounts.claim"
"""Tells this digest from any other of the same text."""


def claim_digest(claim: str, username: str) -> bytes | None:
    """Return what is kept of *claim* for *username*; None where it is none.

    A fast hash without a key: nobody finds 32 random bytes by trying. Of the username, so that equal
    claims of two accounts do not look alike.
    """
    if not _CLAIM.fullmatch(claim):
        return None
    text = f"{username}\n{claim}".encode()  # neither has a line break
    return hashlib.blake2b(text, digest_size=CLAIM_DIGEST_BYTES, person=_PERSON).digest()
