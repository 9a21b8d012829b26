"""Sealed passwords and the keys to open them, for tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from client.sealing import seal, sealing_key
from contracts.registration import Open, Register, Takeover
from contracts.sealing import Purpose
from workers.keys.ring import KeyRing, new_key

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
CANARY = "canary-9f3b-never-seen"
CLAIM = "claim-" + "0123456789abcdefghijklmnopqrstuvwxyzABC"


def a_ring(directory: Path) -> KeyRing:
    """Return a ring of one key."""
    new_key(directory, NOON)
    return KeyRing(directory)


def a_blob(ring: KeyRing, password: str = PASSWORD, **other: Any) -> str:
    """Return *password* sealed for alice's command 1, unless told otherwise."""
    told: dict[str, Any] = {
        "key": sealing_key(ring.sealing_jwks()),
        "purpose": Purpose.REGISTER_PASSWORD,
        "command_id": "1",
        "username": "alice",
        "issued_at": NOON,
    }
    return seal(password, **(told | other))


def a_register(ring: KeyRing, password: str = PASSWORD, **other: Any) -> Register:
    """Return alice's registration with a password sealed for it."""
    command_id, username = other.get("command_id", "1"), other.get("username", "alice")
    blob = a_blob(ring, password, command_id=command_id, username=username)
    fields: dict[str, Any] = {
        "command_id": command_id,
        "username": username,
        "email": "alice.liddell@example.com",
        "first_name": "Alice",
        "last_name": "Liddell",
        "sealed_password": blob,
    }
    return Register(**(fields | other))


def an_open(ring: KeyRing, claim: str = CLAIM, **other: Any) -> Open:
    """Return the opening of alice's account with a claim sealed for it."""
    blob = a_blob(ring, claim, purpose=Purpose.OPEN_CLAIM)
    fields: dict[str, Any] = {"command_id": "1", "username": "alice", "sealed_claim": blob}
    return Open(**(fields | other))


def a_takeover(
    ring: KeyRing, claim: str = CLAIM, password: str = PASSWORD, **other: Any
) -> Register:
    """Return alice's registration with a claim sealed for it."""
    told = {"purpose": Purpose.REGISTER_CLAIM, **other.pop("claim_for", {})}
    pair = Takeover(claim=claim, password=other.pop("beside", password))
    blob = a_blob(ring, pair.to_seal(), **told)
    return a_register(ring, password, sealed_claim=blob, **other)
