"""An opened account is taken over by who has its claim, and by nobody else."""

from datetime import timedelta

import pytest

from contracts.codes import Code
from handlers.identity.claim_secrets import claim_digest
from handlers.ledger.recording import Conclusion, conclude
from handlers.ledger.registration import open_account, register
from handlers.model.account import Account, Balance, Profile
from handlers.model.changes import Owners
from handlers.model.decision import Opened, TakenOver
from handlers.model.input_records import NOTHING_SEALED, Judged
from handlers.model.refused import Refused
from tests.builders import NOON, an_account
from tests.received import RULES, a_registration, an_opening, received

DIGEST, OTHER = bytes(32), bytes(31) + b"\x01"
HAS_IT = Judged(claim_digest=DIGEST)
TAKEN = Refused(code=Code.USERNAME_TAKEN, detail="alice is taken")


def an_opened(**changed: object) -> Account:
    """Return an account that waits for who has its claim."""
    told: dict[str, object] = {"profile": Profile(), "signs_in": False, "claim_digest": DIGEST}
    return an_account(**(told | changed))  # pyright: ignore[reportArgumentType]


class TestClaimDigest:
    @pytest.mark.parametrize("length", [43, 44, 128])
    def test_is_of_base64url_of_enough_bytes(self, length: int) -> None:
        assert len(claim_digest(("aZ09-_" * 22)[:length], "alice") or b"") == 32

    @pytest.mark.parametrize(
        "claim",
        ["", "x" * 42, "x" * 129, "x" * 43 + "\n", "x" * 42 + "=", "x" * 42 + " ", "é" * 43],
        ids=repr,
    )
    def test_is_of_nothing_else(self, claim: str) -> None:
        assert claim_digest(claim, "alice") is None

    def test_differs_by_claim_and_by_user(self) -> None:
        told = [("x" * 43, "alice"), ("y" * 43, "alice"), ("x" * 43, "bobby"), ("x" * 44, "alice")]

        assert len({claim_digest(*each) for each in told}) == len(told)

    def test_is_what_was_stored_long_ago(self) -> None:
        """Another one would let nobody take over what was opened before."""
        assert (claim_digest("x" * 43, "alice") or b"").hex() == PINNED


class TestOpenAccount:
    def test_keeps_the_digest(self) -> None:
        decision = open_account(None, an_opening(), HAS_IT, Owners())

        assert decision == Opened(profile=Profile(), signs_in=False, claim_digest=DIGEST)

    @pytest.mark.parametrize("code", [Code.SEAL_INVALID, Code.CLAIM_MALFORMED])
    def test_refuses_what_is_wrong_with_the_claim_first(self, code: Code) -> None:
        decision = open_account(an_account(), an_opening(), Judged(problem=code), Owners())

        assert decision == Refused(code=code, detail=code.info.meaning)


class TestRegister:
    def test_takes_over_and_leaves_nothing_of_the_profile_before(self) -> None:
        account = an_opened(profile=Profile(phone="+14155550123", marketing_consent=True))

        decision = register(account, a_registration(), HAS_IT, Owners())

        sent = Profile(email="alice@example.com", first_name="Given", last_name="Family")
        assert decision == TakenOver(profile=sent)

    @pytest.mark.parametrize(
        ("account", "judged"),
        [
            (an_opened(), NOTHING_SEALED),
            (an_opened(), Judged(claim_digest=OTHER)),
            (an_opened(claim_digest=None), HAS_IT),
            (an_opened(claim_digest=None), NOTHING_SEALED),
            (an_account(), HAS_IT),
            (an_account(), NOTHING_SEALED),
        ],
        ids=["none sent", "wrong", "none kept", "neither", "registered", "as before"],
    )
    def test_refuses_anybody_else_alike(self, account: Account, judged: Judged) -> None:
        assert register(account, a_registration(), judged, Owners()) == TAKEN

    def test_opens_no_account_with_a_claim(self) -> None:
        """The account that it belongs to has perhaps not been read yet (P1)."""
        decision = register(None, a_registration(), HAS_IT, Owners())

        assert isinstance(decision, Refused)
        assert decision.code is Code.UNKNOWN_ACCOUNT

    def test_refuses_a_name_like_that_of_another_account(self) -> None:
        owners = Owners(names={"alice": "Alice"})

        assert register(an_opened(), a_registration(), HAS_IT, owners) == TAKEN

    @pytest.mark.parametrize("names", [{}, {"alice": "alice"}])
    def test_minds_no_claim_of_its_own_name(self, names: dict[str, str]) -> None:
        decision = register(an_opened(), a_registration(), HAS_IT, Owners(names=names))

        assert isinstance(decision, TakenOver)

    @pytest.mark.parametrize(("owner", "free"), [("alice", True), ("bobby", False)])
    def test_needs_an_address_that_nobody_else_has(self, owner: str, *, free: bool) -> None:
        owners = Owners(emails={"alice@example.com": owner})

        decision = register(an_opened(), a_registration(), HAS_IT, owners)

        assert isinstance(decision, TakenOver) is free
        assert free or (isinstance(decision, Refused) and decision.code is Code.EMAIL_TAKEN)

    def test_tells_a_malformed_claim_before_the_username(self) -> None:
        judged = Judged(problem=Code.CLAIM_MALFORMED)

        decision = register(an_account(), a_registration(), judged, Owners())

        assert isinstance(decision, Refused)
        assert decision.code is Code.CLAIM_MALFORMED


class TestTakingOver:
    def test_changes_who_has_the_account_and_nothing_else(self) -> None:
        money = {"USD": Balance(posted_minor=5, scale=2, held_minor=3)}
        before = an_opened(balances=money, sequence=7, published_sequence=6, version=9)
        later = NOON + timedelta(days=1)

        concluded = conclude(
            before, received(a_registration(), judged=HAS_IT), Owners(), rules=RULES, now=later
        )

        assert isinstance(concluded, Conclusion)
        after, outcome = concluded.account, concluded.outcome
        assert after == an_account(
            balances=money, sequence=7, published_sequence=6, version=9, changed_at=later
        )
        assert (outcome.code, outcome.account_id) == (None, before.account_id)
        assert outcome.detail == "took over the account that was opened"


PINNED = "1e29989b0d88b77c16f306cb11442f2f327809396894027e647c66bc317a9ae7"
