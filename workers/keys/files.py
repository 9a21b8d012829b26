"""Key files: one JWK each, mode 0600, written whole or not at all."""

import json
import os
import stat
import tempfile
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from joserfc.errors import JoseError

from workers.keys.pairs import KeyKind, KeyPair, generate, in_use, parse

KEY_FILE_BYTES_MAX = 4096
"""No more of a file is read: a key has about 500, and what is cut is no JSON any more."""


class KeysError(Exception):
    """The keys cannot be used. Says which file and what to do; never what is in it."""


def new_key(
    directory: Path,
    now: datetime,
    kind: KeyKind = KeyKind.SEALING,
    *,
    activates_at: datetime | None = None,
) -> KeyPair:
    """Make a key and its file; it is used from *activates_at* on, by default at once.

    Raises:
        KeysError: The folder cannot be made or written.
    """
    key = generate(kind, now, activates_at)
    _write(directory, key)
    return key


def retire(directory: Path, key: KeyPair, at: datetime) -> KeyPair:
    """Note in its file that *key* is of no use from *at* on; one that retires sooner still does.

    Raises:
        KeysError: The folder cannot be written.
    """
    if key.retires_at is not None and key.retires_at <= at:
        return key
    retiring = replace(key, retires_at=at)
    _write(directory, retiring)
    return retiring


def read_keys(directory: Path, kind: KeyKind = KeyKind.SEALING) -> list[KeyPair]:
    """Return the keys of *kind* in *directory*, newest first; none where it is missing.

    Raises:
        KeysError: A file is not a key, or readable by others.
    """
    keys = [_read(path, kind) for path in sorted(directory.glob(_pattern(kind)))]
    return sorted(keys, key=lambda key: (key.created_at, key.kid), reverse=True)


def require(
    keys: Collection[KeyPair], kinds: Collection[KeyKind], directory: Path, now: datetime
) -> None:
    """Make sure that *keys* of *directory* include a usable one of each of *kinds*.

    Raises:
        KeysError: With one line for all kinds that lack.
    """
    by_kind = {kind: [key for key in keys if key.kind is kind] for kind in sorted(kinds)}
    lacking = [
        f"no {kind.value} key" + (" that has not retired" if found else "")
        for kind, found in by_kind.items()
        if in_use(found, now) is None
    ]
    if lacking:
        make = "make one" if len(lacking) == 1 else "make them"
        raise KeysError(f"{' and '.join(lacking)} in {directory}; {make} with `accounts keys new`")


def fingerprint(directory: Path) -> list[tuple[str, int, int, int]]:
    """Return what changes when a key file does."""
    found: list[tuple[str, int, int, int]] = []
    for path in sorted(path for kind in KeyKind for path in directory.glob(_pattern(kind))):
        try:
            state = path.stat()
        except OSError:
            continue  # gone since it was listed
        found.append((path.name, state.st_mtime_ns, state.st_size, state.st_mode))
    return found


def _pattern(kind: KeyKind) -> str:
    return f"{kind.value}-*.json"


def _read(path: Path, kind: KeyKind) -> KeyPair:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise KeysError(f"cannot read {path}: {error.strerror}") from error
    if mode & 0o077:
        raise KeysError(f"{path} is open to others (mode {mode:04o}); run `chmod 600 {path}`")
    try:
        key = parse(kind, json.loads(content))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, JoseError):
        # The original error may quote the file.
        raise KeysError(
            f"{path} is not a {kind.value} key; restore it, or move it out of the folder"
        ) from None
    if path.name != _name(key):
        # Two files of one key would contradict each other about its times.
        raise KeysError(f"{path} holds another key than it says; rename it to {_name(key)}")
    return key


def _name(key: KeyPair) -> str:
    return f"{key.kind.value}-{key.kid}.json"


def _write(directory: Path, key: KeyPair) -> None:
    path = directory / _name(key)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Renamed when complete, so that no reader ever sees half a key. Made with mode 0600.
        number, draft = tempfile.mkstemp(dir=directory, prefix=f"{path.stem}.", suffix=".new")
        try:
            with os.fdopen(number, "w") as file:
                json.dump(key.private_jwk(), file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).rename(path)
        except OSError:
            Path(draft).unlink(missing_ok=True)
            raise
        _sync(directory)
    except OSError as error:
        raise KeysError(f"cannot write {error.filename or path}: {error.strerror}") from error


def _sync(directory: Path) -> None:
    """Make the rename outlive a power cut: what is sealed to a lost key is lost."""
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
