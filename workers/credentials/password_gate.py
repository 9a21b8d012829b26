"""Judges sealed passwords and claims beside the event loop; only the verdict leaves the thread."""

import asyncio
import hmac
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path

from contracts.codes import Code
from contracts.commands import command_name
from contracts.registration import Open, Register, Takeover
from contracts.sealing import Purpose
from contracts.topics import REGISTER
from handlers.identity.claim_secrets import claim_digest
from handlers.identity.passwords import password_refusal, prepared
from handlers.model.input_records import NOTHING_SEALED, Judged, fingerprint
from workers.credentials.hashing import LowPriorityPool
from workers.credentials.imported_hashes import import_problem
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, open_sealed, password_purpose, vouch

_NAME = command_name(REGISTER)

SLICE_RECORDS_MAX = 100
"""Commands judged in one go, about 40 ms: neither a stop nor another caller waits longer."""


@cache
def common_passwords() -> frozenset[str]:
    """Return the blocklist, folded: `hatch_build.py` puts it beside the metadata of the installation.

    In `accounts-client`, whose fake has the same rules, it lies beside this file.
    """
    beside = Path(__file__).with_name("common_passwords.txt")
    found = (
        beside.read_text(encoding="utf-8")
        if beside.is_file()
        else distribution("accounts").read_text("extra_metadata/common_passwords.txt")
    )
    assert found is not None, "accounts was built without its list: install it with `make install`"
    return frozenset(found.splitlines())


def password_problem(password: str, *, username: str, email: str) -> Code | None:
    """Return why *password*, prepared, is refused: the same rules whenever one is chosen."""
    return password_refusal(password, username=username, email=email, common=common_passwords())


class PasswordGate:
    """Opens sealed passwords only to check the rules, and claims only for their digest."""

    def __init__(self, ring: KeyRing, pool: LowPriorityPool) -> None:
        self._ring = ring
        self._pool = pool

    async def verdicts(self, commands: Sequence[Open | Register]) -> list[Judged]:
        """Return one verdict per command, in their order."""
        starts = range(0, len(commands), SLICE_RECORDS_MAX)
        slices = [commands[start : start + SLICE_RECORDS_MAX] for start in starts]
        judged = await asyncio.gather(*(self._pool.run(self._judge, part) for part in slices))
        return list(chain.from_iterable(judged))

    def warm_up(self) -> None:
        """Read the blocklist now, so that the first registration does not wait for it."""
        common_passwords()

    def _judge(self, commands: Sequence[Open | Register]) -> list[Judged]:
        return [self._judged(command) for command in commands]

    def _judged(self, command: Open | Register) -> Judged:
        """Return the first problem in order of precedence, or what the rules need to know."""
        if isinstance(command, Open):
            claim = self._opened(command, command.sealed_claim, Purpose.OPEN_CLAIM)
            return _claimed(claim, command.username)
        purpose = password_purpose(command.sealed_password)
        password = self._opened(command, command.sealed_password, purpose)
        if password is None or isinstance(password, SealProblem):
            return _UNOPENED
        judged = NOTHING_SEALED
        if command.sealed_claim is not None:
            pair = self._opened(command, command.sealed_claim, Purpose.REGISTER_CLAIM)
            judged = _claimed(_claim_beside(password, pair), command.username)
        if judged.problem is Code.SEAL_INVALID:
            return judged
        problem = (
            import_problem(password)
            if purpose is Purpose.REGISTER_HASH
            else password_problem(
                prepared(password), username=command.username, email=command.email
            )
        )
        if problem is not None:
            return Judged(problem=problem)
        if judged.problem is not None:
            return judged
        voucher = vouch(
            command.sealed_password,
            self._ring,
            command_id=command.command_id,
            username=command.username,
            fingerprint=fingerprint(_NAME, command),
        )
        return Judged(voucher=voucher, claim_digest=judged.claim_digest)

    def _opened(
        self, command: Open | Register, blob: str | None, purpose: Purpose
    ) -> str | SealProblem | None:
        if blob is None:
            return None
        return open_sealed(
            blob,
            self._ring,
            purpose=purpose,
            command_id=command.command_id,
            username=command.username,
        )


_UNOPENED = Judged(problem=Code.SEAL_INVALID)


def _claim_beside(password: str, pair: str | SealProblem | None) -> str | SealProblem:
    """Return the claim of *pair*, if it was sealed with this password: else it may be a copy."""
    takeover = Takeover.opened(pair) if isinstance(pair, str) else None
    if takeover is None:
        return SealProblem.INVALID
    same = hmac.compare_digest(takeover.password.encode(), password.encode())
    return takeover.claim if same else SealProblem.INVALID


def _claimed(claim: str | SealProblem | None, username: str) -> Judged:
    """Return what is to be known of *claim*, or why it is refused."""
    if claim is None:
        return NOTHING_SEALED
    if isinstance(claim, SealProblem):
        return _UNOPENED
    digest = claim_digest(claim, username)
    return Judged(problem=Code.CLAIM_MALFORMED) if digest is None else Judged(claim_digest=digest)
