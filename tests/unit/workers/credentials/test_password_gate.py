"""Which passwords are refused, and that judging one never shows it (P9)."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.codes import Code
from contracts.registration import Takeover
from contracts.sealing import Purpose
from handlers.identity.claim_secrets import claim_digest
from handlers.identity.passwords import folded, password_refusal, prepared
from handlers.model.input_records import Judged
from tests.unit.sealed import (
    CANARY,
    CLAIM,
    PASSWORD,
    a_blob,
    a_register,
    a_ring,
    a_takeover,
    an_open,
)
from workers.credentials.hashing import LowPriorityPool
from workers.credentials.password_gate import SLICE_RECORDS_MAX, PasswordGate, common_passwords
from workers.keys.ring import KeyRing

FEW = frozenset({"password1", "letmein!"})


def refusal(password: str) -> Code | None:
    return password_refusal(
        prepared(password), username="alice.l_99", email="Liddell+x@Example.com", common=FEW
    )


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", Code.PASSWORD_TOO_SHORT),
        ("seven77", Code.PASSWORD_TOO_SHORT),
        ("eight888", None),
        ("x" * 256, None),
        ("x" * 257, Code.PASSWORD_TOO_LONG),
        ("\U0001f600" * 7, Code.PASSWORD_TOO_SHORT),
        ("\U0001f600" * 8, None),
        ("\U0001f600" * 256, None),
        ("        ", None),
        ("nul\0byte", None),
        ("\u0065\u0301" * 4, Code.PASSWORD_TOO_SHORT),  # counted composed: 4 characters
        ("\ufb03ab\ufb03", None),  # counted taken apart: 8 characters
        ("\ufb03a\ufb03", Code.PASSWORD_TOO_SHORT),
        ("\ufdfa" * 14, None),  # 18 characters each
        ("\ufdfa" * 15, Code.PASSWORD_TOO_LONG),
        ("alice.l_99", Code.PASSWORD_PERSONAL),
        ("ALICE.L_99", Code.PASSWORD_PERSONAL),
        ("\uff41lice.l_99", Code.PASSWORD_PERSONAL),
        ("liddell+x@example.com", Code.PASSWORD_PERSONAL),
        ("lIDDELL+x", Code.PASSWORD_PERSONAL),
        ("alice.l_99!", None),
        ("example.com", None),
        ("password1", Code.PASSWORD_COMMON),
        ("PassWord1", Code.PASSWORD_COMMON),
        ("\uff50assword1", Code.PASSWORD_COMMON),
        ("password1 ", None),
    ],
)
def test_a_password_is_judged(password: str, code: Code | None) -> None:
    assert refusal(password) == code


def test_the_same_password_typed_elsewhere_is_the_same() -> None:
    assert prepared("Cafe\u0301-\uff11\ufb01") == prepared("Caf\u00e9-1fi")


class TestTheBlocklist:
    def test_has_thousands_and_all_long_enough_to_matter(self) -> None:
        common = common_passwords()

        assert len(common) > 10_000
        assert min(map(len, common)) == 8
        assert {folded(each) for each in common} == common, "they are compared folded"

    @pytest.mark.parametrize("password", ["password", "12345678", "iloveyou", "PASSWORD123"])
    def test_knows_the_usual_ones(self, password: str) -> None:
        assert password.casefold() in common_passwords()


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return a_ring(tmp_path)


@pytest.fixture
def gate(ring: KeyRing) -> Iterator[PasswordGate]:
    pool = LowPriorityPool("gate", 1)
    yield PasswordGate(ring, pool)
    pool.close()


class TestTheGate:
    @pytest.mark.parametrize(
        ("password", "code"),
        [
            (PASSWORD, None),
            ("seven77", Code.PASSWORD_TOO_SHORT),
            ("x" * 257, Code.PASSWORD_TOO_LONG),
            ("Alice.Liddell", Code.PASSWORD_PERSONAL),
            ("iloveyou", Code.PASSWORD_COMMON),
        ],
    )
    async def test_says_what_the_rules_say(
        self, ring: KeyRing, gate: PasswordGate, password: str, code: Code | None
    ) -> None:
        [judged] = await gate.verdicts([a_register(ring, password)])

        assert judged.problem == code

    @pytest.mark.parametrize("wrong", [{"command_id": "2"}, {"username": "mallory"}])
    async def test_refuses_a_blob_sealed_for_another(
        self, ring: KeyRing, gate: PasswordGate, wrong: dict[str, str]
    ) -> None:
        register = a_register(ring, sealed_password=a_blob(ring), **wrong)

        assert await gate.verdicts([register]) == [Judged(problem=Code.SEAL_INVALID)]

    async def test_answers_many_in_their_order(self, ring: KeyRing, gate: PasswordGate) -> None:
        good, bad = a_register(ring), a_register(ring, "short")
        many = [bad, *[good] * SLICE_RECORDS_MAX, bad]

        verdicts = await gate.verdicts(many)

        assert [each.problem for each in verdicts] == [
            Code.PASSWORD_TOO_SHORT,
            *[None] * SLICE_RECORDS_MAX,
            Code.PASSWORD_TOO_SHORT,
        ]

    async def test_vouches_for_what_it_lets_through(
        self, ring: KeyRing, gate: PasswordGate
    ) -> None:
        registers = [a_register(ring), a_register(ring), a_register(ring, "short")]
        changed = a_register(ring, sealed_password=registers[0].sealed_password, first_name="Eve")

        first, second, bad = await gate.verdicts(registers)
        other, again = await gate.verdicts([changed, registers[0]])

        assert first == again, "what is read again is said again"
        assert len({first.voucher, second.voucher, other.voucher, None}) == 4
        assert bad.voucher is None

    async def test_has_nothing_to_say_about_nothing(self, gate: PasswordGate) -> None:
        assert await gate.verdicts([]) == []

    async def test_never_shows_the_password(
        self, ring: KeyRing, gate: PasswordGate, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        register = a_register(ring, CANARY)

        [verdict] = await gate.verdicts([register])

        assert verdict.problem is None
        assert CANARY not in caplog.text + repr(register) + repr(gate) + repr(verdict)


class TestAClaim:
    async def test_becomes_one_digest_whichever_command_brings_it(
        self, ring: KeyRing, gate: PasswordGate
    ) -> None:
        opened, registered, bare = await gate.verdicts(
            [an_open(ring), a_takeover(ring), a_register(ring)]
        )

        assert opened == Judged(claim_digest=claim_digest(CLAIM, "alice"))
        assert (registered.problem, registered.claim_digest) == (None, opened.claim_digest)
        assert registered.voucher is not None
        assert bare.claim_digest is None

    @pytest.mark.parametrize(
        "other",
        [
            {"purpose": Purpose.REGISTER_PASSWORD},
            {"purpose": Purpose.REGISTER_CLAIM},
            {"command_id": "2", "purpose": Purpose.OPEN_CLAIM},
            {"username": "mallory", "purpose": Purpose.OPEN_CLAIM},
        ],
    )
    async def test_sealed_for_something_else_is_refused(
        self, ring: KeyRing, gate: PasswordGate, other: dict[str, str]
    ) -> None:
        blob = a_blob(ring, CLAIM, **other)

        verdicts = await gate.verdicts([an_open(ring, sealed_claim=blob)])

        assert verdicts == [Judged(problem=Code.SEAL_INVALID)]

    @pytest.mark.parametrize(
        "other", [{"purpose": Purpose.OPEN_CLAIM}, {"command_id": "2"}, {"username": "mallory"}]
    )
    async def test_of_another_registration_is_refused(
        self, ring: KeyRing, gate: PasswordGate, other: dict[str, str]
    ) -> None:
        verdicts = await gate.verdicts([a_takeover(ring, claim_for=other)])

        assert verdicts == [Judged(problem=Code.SEAL_INVALID)]

    async def test_in_a_copy_brings_no_other_password(
        self, ring: KeyRing, gate: PasswordGate
    ) -> None:
        """Whoever can read the topic could put a password of theirs beside the claim."""
        mine, theirs = a_takeover(ring), a_register(ring, "another pass phrase")
        copied = a_register(
            ring, sealed_password=theirs.sealed_password, sealed_claim=mine.sealed_claim
        )

        assert await gate.verdicts([copied]) == [Judged(problem=Code.SEAL_INVALID)]

    @pytest.mark.parametrize("text", [CLAIM, "{}", '{"claim": 1, "password": "x"}', ""])
    async def test_without_its_password_is_refused(
        self, ring: KeyRing, gate: PasswordGate, text: str
    ) -> None:
        blob = a_blob(ring, text, purpose=Purpose.REGISTER_CLAIM)

        verdicts = await gate.verdicts([a_register(ring, sealed_claim=blob)])

        assert verdicts == [Judged(problem=Code.SEAL_INVALID)]

    @pytest.mark.parametrize("claim", ["", CLAIM[:42], CLAIM * 3, f"{CLAIM[:-1]}="])
    async def test_that_could_be_guessed_or_is_no_such_text_is_refused(
        self, ring: KeyRing, gate: PasswordGate, claim: str
    ) -> None:
        verdicts = await gate.verdicts([an_open(ring, claim), a_takeover(ring, claim)])

        assert verdicts == [Judged(problem=Code.CLAIM_MALFORMED)] * 2

    async def test_is_told_by_precedence(self, ring: KeyRing, gate: PasswordGate) -> None:
        verdicts = await gate.verdicts(
            [a_takeover(ring, CLAIM, "short", beside=PASSWORD), a_takeover(ring, "x", "short")]
        )

        assert [each.problem for each in verdicts] == [Code.SEAL_INVALID, Code.PASSWORD_TOO_SHORT]

    async def test_is_never_shown(
        self, ring: KeyRing, gate: PasswordGate, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        commands = [an_open(ring), a_takeover(ring, CLAIM, CANARY)]

        verdicts = await gate.verdicts(commands)

        shown = caplog.text + repr(commands) + repr(gate) + repr(verdicts)
        shown += repr(Takeover(claim=CLAIM, password=CANARY))
        assert CLAIM not in shown
        assert CANARY not in shown
