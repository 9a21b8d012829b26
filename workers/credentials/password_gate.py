"""Judges sealed passwords and claims beside the event loop; only the verdict leaves the thread."""

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution
from itertools import chain

from contracts.codes import Code
from contracts.commands import command_name
from contracts.registration import Open, Register
from contracts.sealing import Purpose
from contracts.topics import REGISTER
from handlers.identity.claim_secrets import claim_digest
from handlers.identity.passwords import password_refusal, prepared
from handlers.model.input_records import Judged, fingerprint
from workers.credentials.hashing import LowPriorityPool
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, open_sealed, vouch

_NAME = command_name(REGISTER)

SLICE_RECORDS_MAX = 100
"""Commands judged in one go, about 40 ms: neither a stop nor another caller waits longer."""


@cache
def common_passwords() -> frozenset[str]:
    """Return the blocklist, folded: `hatch_build.py` puts it beside the metadata of the installation."""
    found = distribution("accounts").read_text("extra_metadata/common_passwords.txt")
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
        claim = self._claim(command)
        if isinstance(command, Open):
            return Judged(problem=claim) if isinstance(claim, Code) else Judged(claim_digest=claim)
        password = self._opened(command, command.sealed_password, Purpose.REGISTER_PASSWORD)
        if isinstance(password, SealProblem) or claim is Code.SEAL_INVALID:
            return Judged(problem=Code.SEAL_INVALID)
        problem = password_problem(
            prepared(password), username=command.username, email=command.email
        )
        if problem is not None or isinstance(claim, Code):
            return Judged(problem=problem or Code.CLAIM_MALFORMED)
        voucher = vouch(
            command.sealed_password,
            self._ring,
            command_id=command.command_id,
            username=command.username,
            fingerprint=fingerprint(_NAME, command),
        )
        return Judged(voucher=voucher, claim_digest=claim)

    def _claim(self, command: Open | Register) -> bytes | Code | None:
        """Return the digest of the claim, or why it is refused; None where none was sent."""
        if command.sealed_claim is None:
            return None
        purpose = Purpose.OPEN_CLAIM if isinstance(command, Open) else Purpose.REGISTER_CLAIM
        claim = self._opened(command, command.sealed_claim, purpose)
        if isinstance(claim, SealProblem):
            return Code.SEAL_INVALID
        return claim_digest(claim, command.username) or Code.CLAIM_MALFORMED

    def _opened(self, command: Open | Register, blob: str, purpose: Purpose) -> str | SealProblem:
        return open_sealed(
            blob,
            self._ring,
            purpose=purpose,
            command_id=command.command_id,
            username=command.username,
        )
