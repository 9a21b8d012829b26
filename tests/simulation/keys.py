"""The keys of all simulated processes, and secrets sealed to them: made once, since they cost milliseconds."""

import atexit
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from client.sealing import ReplyKeyPair, seal, sealing_key
from contracts.sealing import Purpose
from contracts.sessions import Tokens
from tests.simulation.clocks import EPOCH
from workers.keys.pairs import KeyKind
from workers.keys.ring import KeyRing
from workers.keys.rotation import make_missing


@cache
def keys_folder() -> Path:
    """Return a folder with one key of each kind; it is gone with this process."""
    folder = Path(mkdtemp(prefix="simulated-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_missing(folder, EPOCH)
    return folder


@cache
def key_ring() -> KeyRing:
    """Return the keys, read once: in no history do they change."""
    return KeyRing(keys_folder(), needs=tuple(KeyKind), clock_s=lambda: 0.0, clock=lambda: EPOCH)


@cache
def _public() -> Mapping[str, Any]:
    return sealing_key(key_ring().sealing_jwks())


@dataclass(frozen=True, slots=True)
class Sealing:
    """A secret, and the one place where it can be spent."""

    secret: str
    purpose: Purpose
    command_id: str
    username: str
    to_reply: bool = False
    """Whether it is bound to `reply_pair`, as what asks for tokens is."""


@cache
def sealed(sealing: Sealing) -> str:
    """Return it as JWE compact."""
    blob = seal(
        sealing.secret,
        key=_public(),
        purpose=sealing.purpose,
        command_id=sealing.command_id,
        username=sealing.username,
        issued_at=EPOCH,
        reply_key=reply_pair().public if sealing.to_reply else None,
    )
    _SECRETS[blob] = sealing.secret
    return blob


_SECRETS: dict[str, str] = {}


def opened(blob: str) -> str:
    """Return what was sealed here, without opening it; nothing where it was not."""
    return _SECRETS.get(blob, "")


@cache
def tokens_of(sealed_tokens: str, purpose: Purpose, request_id: str, username: str) -> Tokens:
    """Return what was sealed to `reply_pair`.

    Raises:
        SealedTokensError: It is not for that request.
    """
    return reply_pair().open(
        sealed_tokens, purpose=purpose, request_id=request_id, username=username
    )


@cache
def reply_pair() -> ReplyKeyPair:
    """Return the pair that every simulated caller has its tokens sealed to."""
    return ReplyKeyPair()
