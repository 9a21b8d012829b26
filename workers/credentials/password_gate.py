"""Judges sealed passwords beside the event loop; only the verdict leaves the thread."""

import asyncio
from collections.abc import Sequence
from functools import cache
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path

from contracts.codes import Code
from contracts.commands import command_name
from contracts.registration import Register
from contracts.sealing import Purpose
from contracts.topics import REGISTER
from handlers.identity.passwords import password_refusal, prepared
from handlers.model.input_records import Judged, fingerprint
from workers.credentials.hashing import LowPriorityPool
from workers.keys.ring import KeyRing
from workers.keys.sealing import SealProblem, open_sealed, vouch

_NAME = command_name(REGISTER)

SLICE_RECORDS_MAX = 100
"""Registrations judged in one go, about 40 ms: neither a stop nor another caller waits longer."""


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
    """Opens sealed passwords only to check the rules."""

    def __init__(self, ring: KeyRing, pool: LowPriorityPool) -> None:
        self._ring = ring
        self._pool = pool

    async def verdicts(self, registers: Sequence[Register]) -> list[Judged]:
        """Return one verdict per registration, in their order."""
        starts = range(0, len(registers), SLICE_RECORDS_MAX)
        slices = [registers[start : start + SLICE_RECORDS_MAX] for start in starts]
        judged = await asyncio.gather(*(self._pool.run(self._judge, part) for part in slices))
        return list(chain.from_iterable(judged))

    def warm_up(self) -> None:
        """Read the blocklist now, so that the first registration does not wait for it."""
        common_passwords()

    def _judge(self, registers: Sequence[Register]) -> list[Judged]:
        return [self._judged(register) for register in registers]

    def _judged(self, register: Register) -> Judged:
        password = open_sealed(
            register.sealed_password,
            self._ring,
            purpose=Purpose.REGISTER_PASSWORD,
            command_id=register.command_id,
            username=register.username,
        )
        if isinstance(password, SealProblem):
            return Judged(problem=Code.SEAL_INVALID)
        problem = password_problem(
            prepared(password), username=register.username, email=register.email
        )
        if problem is not None:
            return Judged(problem=problem)
        voucher = vouch(
            register.sealed_password,
            self._ring,
            command_id=register.command_id,
            username=register.username,
            fingerprint=fingerprint(_NAME, register),
        )
        return Judged(voucher=voucher)
