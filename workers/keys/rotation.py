"""Makes keys and replaces them, old and new side by side for a while, so that nobody is refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from contracts.topics import CREDENTIALS, REGISTER
from workers.keys.files import new_key, read_keys, retire
from workers.keys.pairs import KeyKind, KeyPair, in_use

ACTIVATION_S = 60
"""How long a new key is only known before it is used: twice as long as others keep the key set."""

SIGNING_OVERLAP_S = 24 * 3600
"""How long a replaced signing key still verifies: far longer than access tokens usually live."""

SEALING_OVERLAP_S = (REGISTER.retention_ms + CREDENTIALS.retention_ms) // 1000
"""How long a replaced sealing key still opens: a password may wait a whole retention for the ledger,
and then another one to be hashed."""

OVERLAP_S = {KeyKind.SEALING: SEALING_OVERLAP_S, KeyKind.SIGNING: SIGNING_OVERLAP_S}
"""By what a key is for. One that authenticates accounts stays good until somebody deletes its file: an
account may rest for years, and without the key nobody can read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A key that was made and those that it replaces."""

    made: KeyPair
    replaced: list[KeyPair]
    """Those that retire have their time."""


def make_missing(directory: Path, now: datetime) -> list[KeyPair]:
    """Make a key of each kind of which there is none to use; return what was made.

    Raises:
        KeysError: A file is wrong, or the folder cannot be written.
    """
    lacking = [kind for kind in KeyKind if in_use(read_keys(directory, kind), now) is None]
    return [new_key(directory, now, kind) for kind in lacking]


def add_key(
    directory: Path, kind: KeyKind, now: datetime, *, activation_s: int = ACTIVATION_S
) -> KeyPair:
    """Make a key that is used from *activation_s* on, or at once where it is the only one.

    Raises:
        KeysError: A file is wrong, or the folder cannot be written.
    """
    alone = in_use(read_keys(directory, kind), now) is None
    delay = timedelta(seconds=0 if alone else activation_s)
    return new_key(directory, now, kind, activates_at=now + delay)


def rotate(
    directory: Path,
    kind: KeyKind,
    now: datetime,
    *,
    activation_s: int = ACTIVATION_S,
    overlap_s: int | None = None,
) -> Rotation:
    """Make a new key; those before it retire *overlap_s* after it has become active, if they retire.

    Cut short in between, it leaves a key more and none retiring: rotating again mends that.

    Raises:
        KeysError: A file is wrong, or the folder cannot be written.
    """
    before = [key for key in read_keys(directory, kind) if not key.is_retired(now)]
    made = add_key(directory, kind, now, activation_s=activation_s)
    if kind not in OVERLAP_S:
        return Rotation(made=made, replaced=before)
    overlap = timedelta(seconds=OVERLAP_S[kind] if overlap_s is None else overlap_s)
    retires_at = made.activates_at + overlap
    return Rotation(made=made, replaced=[retire(directory, key, retires_at) for key in before])
