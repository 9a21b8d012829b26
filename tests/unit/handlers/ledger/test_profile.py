"""A profile changes in the fields that were sent, and in no other."""

from collections.abc import Callable
from datetime import date, datetime

import pytest

from contracts.codes import Code
from contracts.commands import AnyCommand
from contracts.problems import Problem, field_error
from contracts.profile import email_claim
from handlers.ledger.decide import decide
from handlers.ledger.profile import update_profile
from handlers.model.account import Profile
from handlers.model.changes import Owners
from handlers.model.decision import ProfileChanged
from handlers.model.refused import Refused, invalid_command
from tests.builders import NOON, an_account
from tests.received import RULES, a_registration, an_update, received

FULL = Profile(
    email="alice@example.com",
    first_name="Alice",
    last_name="Liddell",
    phone="+14155550123",
    date_of_birth=date(1990, 1, 1),
    marketing_consent=True,
)


class TestUpdateProfile:
    def test_leaves_alone_what_was_not_sent(self) -> None:
        decision = update_profile(an_account(profile=FULL), an_update(last_name="Other"), Owners())

        assert isinstance(decision, ProfileChanged)
        assert decision.profile.last_name == "Other"
        assert decision.fields == ("last_name",)
        assert (decision.profile.phone, decision.profile.first_name) == (FULL.phone, "Alice")

    def test_clears_an_optional_field_by_null(self) -> None:
        command = an_update(phone=None, date_of_birth=None)

        decision = update_profile(an_account(profile=FULL), command, Owners())

        assert isinstance(decision, ProfileChanged)
        assert (decision.profile.phone, decision.profile.date_of_birth) == (None, None)
        assert decision.fields == ("date_of_birth", "phone")

    @pytest.mark.parametrize(
        ("owner", "code"), [(None, None), ("alice", None), ("bobby", Code.EMAIL_TAKEN)]
    )
    def test_takes_an_address_that_is_free_or_its_own(
        self, owner: str | None, code: Code | None
    ) -> None:
        owners = Owners(emails={"new@example.com": owner} if owner else {})

        decision = update_profile(an_account(), an_update(email="New@example.com"), owners)

        assert (decision.code if isinstance(decision, Refused) else None) is code

    @pytest.mark.parametrize(
        ("email", "good"), [("x@stra\u00dfe.de", True), ("X@strasse.de", False)]
    )
    def test_takes_an_address_whose_domain_is_only_spelled_alike(
        self, email: str, *, good: bool
    ) -> None:
        owners = Owners(emails={email_claim("x@strasse.de"): "bobby"})

        decision = update_profile(an_account(), an_update(email=email), owners)

        assert isinstance(decision, ProfileChanged) is good

    @pytest.mark.parametrize(
        ("sent_at", "born", "good"),
        [
            ("2030-01-01T12:00:00Z", "2030-01-01", True),
            ("2030-01-01T12:00:00Z", "2030-01-03", False),
            ("2030-01-01T12:00:00Z", "9999-12-31", False),
            # A day begins first where the clocks are 14 hours ahead of UTC.
            ("2030-01-01T09:59:59.999Z", "2030-01-02", False),
            ("2030-01-01T10:00:00Z", "2030-01-02", True),
        ],
    )
    @pytest.mark.parametrize("command", [an_update, a_registration])
    def test_takes_no_day_of_birth_that_has_not_begun(
        self, command: Callable[..., AnyCommand], sent_at: str, born: str, *, good: bool
    ) -> None:
        sent_ms = round(datetime.fromisoformat(sent_at).timestamp() * 1000)
        told = received(command(date_of_birth=date.fromisoformat(born)), at_ms=sent_ms)
        account = an_account() if command is an_update else None

        decision = decide(account, told, Owners(), rules=RULES, now=NOON)

        unborn = invalid_command([field_error("date_of_birth", Problem.DATE_IN_FUTURE)])
        assert (decision == unborn) is not good
        assert isinstance(decision, Refused) is not good

    @pytest.mark.parametrize(("at_ms", "good"), [(2**63 - 1, True), (-(2**63), False)])
    def test_judges_a_day_by_any_time(self, at_ms: int, *, good: bool) -> None:
        told = received(an_update(date_of_birth=date(9999, 12, 31)), at_ms=at_ms)

        decision = decide(an_account(), told, Owners(), rules=RULES, now=NOON)

        assert isinstance(decision, ProfileChanged) is good

    def test_knows_no_account_nobody_opened(self) -> None:
        decision = update_profile(None, an_update(first_name="A"), Owners())

        assert decision == Refused(code=Code.UNKNOWN_ACCOUNT, detail="no account is named alice")
