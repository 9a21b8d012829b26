"""Rules for moving money: one row per boundary, and the order of what is wrong (P6)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contracts.codes import Code
from contracts.ledger import Deposit, Withdraw
from contracts.money import AMOUNT_MINOR_MAX, to_amount
from handlers.ledger.decide import decide
from handlers.model.account import Account, Balance
from handlers.model.changes import Owners
from handlers.model.decision import Decision, Moved
from handlers.model.refused import Refused
from handlers.model.rules import CurrencyRules, Rules
from tests.builders import NOON, an_account
from tests.received import RULES, a_deposit, a_withdrawal, received

TIGHT = replace(
    RULES,
    currencies={
        "USD": CurrencyRules(
            scale=2,
            amount_minor_min=100,
            deposit_minor_max=1000,
            withdraw_minor_max=1000,
            balance_minor_max=2000,
        ),
        "EUR": CurrencyRules(scale=2),
    },
    currencies_max=1,
)


def said(
    command: Deposit | Withdraw, account: Account | None = None, rules: Rules = RULES
) -> Decision:
    return decide(account, received(command), Owners(), rules=rules, now=NOON)


def code_of(decision: Decision) -> Code | None:
    return decision.code if isinstance(decision, Refused) else None


class TestDeposit:
    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            ("0.00", Code.AMOUNT_TOO_SMALL),
            ("0.99", Code.AMOUNT_TOO_SMALL),
            ("1.00", None),
            ("1.01", None),
            ("9.99", None),
            ("10.00", None),
            ("10.01", Code.AMOUNT_TOO_LARGE),
        ],
    )
    def test_keeps_to_the_limits_of_one_amount(self, amount: str, code: Code | None) -> None:
        assert code_of(said(a_deposit(amount), an_account(), TIGHT)) is code

    @pytest.mark.parametrize(
        ("posted_minor", "code"), [(999, None), (1000, None), (1001, Code.BALANCE_TOO_LARGE)]
    )
    def test_keeps_to_the_largest_balance(self, posted_minor: int, code: Code | None) -> None:
        account = an_account(posted_minor=posted_minor)

        assert code_of(said(a_deposit("10.00"), account, TIGHT)) is code

    @pytest.mark.parametrize(
        ("currency", "amount", "minor"),
        [
            ("JPY", "1", 1),
            ("JPY", "1.0", None),
            ("USD", "1.23", 123),
            ("USD", "1.2", 120),
            ("USD", "1.234", None),
            ("KWD", "1.234", 1234),
            ("KWD", "1.2340", None),
            ("BTC", "0.00000001", 1),
            ("ETH", "0.000000000000000001", 1),
            ("ETH", "10000000000.000000000000000000", 10**28),
        ],
    )
    def test_refuses_more_decimals_than_the_currency_has_and_never_rounds(
        self, currency: str, amount: str, minor: int | None
    ) -> None:
        decision = said(a_deposit(amount, currency=currency), an_account())

        if minor is None:
            assert code_of(decision) is Code.AMOUNT_TOO_PRECISE
        else:
            assert isinstance(decision, Moved)
            assert (decision.amount_minor, decision.after_minor) == (minor, minor)

    def test_opens_a_currency_until_there_are_too_many(self) -> None:
        first = said(a_deposit("1.00"), an_account(), TIGHT)
        same = said(a_deposit("1.00"), an_account(posted_minor=0), TIGHT)
        second = said(a_deposit("1.00", currency="EUR"), an_account(posted_minor=0), TIGHT)

        codes = [code_of(first), code_of(same), code_of(second)]
        assert codes == [None, None, Code.TOO_MANY_CURRENCIES]

    def test_leaves_held_money_held(self) -> None:
        account = an_account(balances={"USD": Balance(posted_minor=100, held_minor=40, scale=2)})

        decision = said(a_deposit("1.00"), account)

        assert isinstance(decision, Moved)
        assert (decision.after_minor, decision.held_minor) == (200, 40)

    def test_reaches_the_largest_balance_there_is_and_not_one_unit_more(self) -> None:
        almost = an_account(posted_minor=AMOUNT_MINOR_MAX - 1)
        full = an_account(posted_minor=AMOUNT_MINOR_MAX)

        codes = [code_of(said(a_deposit("0.01"), account)) for account in (almost, full)]

        assert codes == [None, Code.BALANCE_TOO_LARGE]

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            ("10000000000.000000000000000000", None),
            ("10000000000.000000000000000001", Code.AMOUNT_TOO_LARGE),
            ("99999999999999999999999999999.999999999999999999", Code.AMOUNT_TOO_LARGE),
        ],
    )
    def test_takes_the_largest_amount_there_is_and_not_one_unit_more(
        self, amount: str, code: Code | None
    ) -> None:
        assert code_of(said(a_deposit(amount, currency="ETH"), an_account())) is code


class TestWithdraw:
    @pytest.mark.parametrize(
        ("amount", "code"), [("0.99", None), ("1.00", None), ("1.01", Code.INSUFFICIENT_FUNDS)]
    )
    def test_takes_what_is_available_and_no_more(self, amount: str, code: Code | None) -> None:
        assert code_of(said(a_withdrawal(amount), an_account(posted_minor=100))) is code

    @pytest.mark.parametrize(
        ("amount", "code"), [("0.59", None), ("0.60", None), ("0.61", Code.INSUFFICIENT_FUNDS)]
    )
    def test_never_takes_held_money(self, amount: str, code: Code | None) -> None:
        account = an_account(balances={"USD": Balance(posted_minor=100, held_minor=40, scale=2)})

        assert code_of(said(a_withdrawal(amount), account)) is code

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            ("0.99", Code.AMOUNT_TOO_SMALL),
            ("1.00", None),
            ("10.00", None),
            ("10.01", Code.AMOUNT_TOO_LARGE),
        ],
    )
    def test_keeps_to_the_limits_of_one_amount(self, amount: str, code: Code | None) -> None:
        assert code_of(said(a_withdrawal(amount), an_account(posted_minor=2000), TIGHT)) is code

    def test_finds_nothing_in_a_currency_never_paid_in(self) -> None:
        decision = said(a_withdrawal("1", currency="JPY"), an_account(posted_minor=100))

        assert decision == Refused(
            code=Code.INSUFFICIENT_FUNDS, detail="available 0 JPY, requested 1 JPY"
        )

    def test_says_what_is_there_and_what_was_asked_for(self) -> None:
        decision = said(a_withdrawal("5"), an_account(posted_minor=300))

        assert decision == Refused(
            code=Code.INSUFFICIENT_FUNDS, detail="available 3.00 USD, requested 5.00 USD"
        )


class TestHouse:
    @pytest.mark.parametrize("move", [a_deposit, a_withdrawal])
    @pytest.mark.parametrize(
        ("named", "kept"),
        [({}, None), ({"house": "external"}, None), ({"house": "opening"}, "opening")],
    )
    def test_is_kept_where_it_is_not_the_usual_one(
        self, move: Callable[..., Deposit | Withdraw], named: dict[str, str], kept: str | None
    ) -> None:
        decision = said(move("1.00", **named), an_account(posted_minor=100))

        assert isinstance(decision, Moved)
        assert decision.house == kept

    @pytest.mark.parametrize("move", [a_deposit, a_withdrawal])
    @pytest.mark.parametrize("house", ["tips", "transit", "suspense"])
    def test_is_one_of_those_that_senders_may_name(
        self, move: Callable[..., Deposit | Withdraw], house: str
    ) -> None:
        decision = said(move("1.00", house=house), an_account(posted_minor=100))

        assert decision == Refused(
            code=Code.UNKNOWN_HOUSE_ACCOUNT, detail=f"no house account is named house:{house}"
        )


class TestConfiguration:
    """What is configured may change; what was paid in stays what it was."""

    GONE = replace(RULES, currencies={"JPY": CurrencyRules(scale=0)})
    RESCALED = replace(RULES, currencies={"USD": CurrencyRules(scale=4, amount_minor_min=10_000)})

    def test_pays_out_a_currency_that_is_no_longer_kept_but_takes_none(self) -> None:
        account = an_account(posted_minor=100)

        paid = said(a_withdrawal("1.00"), account, self.GONE)
        taken = said(a_deposit("1.00"), account, self.GONE)

        assert isinstance(paid, Moved)
        assert code_of(taken) is Code.CURRENCY_UNSUPPORTED
        assert code_of(said(a_withdrawal("1.00"), an_account(), self.GONE)) is (
            Code.CURRENCY_UNSUPPORTED
        )

    def test_keeps_the_scale_a_balance_was_opened_with(self) -> None:
        decision = said(a_deposit("0.01"), an_account(posted_minor=100), self.RESCALED)

        assert isinstance(decision, Moved)
        assert (decision.scale, decision.after_minor) == (2, 101)

    def test_refuses_decimals_that_only_the_new_scale_has(self) -> None:
        decision = said(a_deposit("0.001"), an_account(posted_minor=100), self.RESCALED)

        assert code_of(decision) is Code.AMOUNT_TOO_PRECISE

    def test_a_finer_scale_makes_no_more_of_what_was_paid_in(self) -> None:
        rules = replace(RULES, currencies={"ETH": CurrencyRules(scale=18)})
        coarse = an_account(balances={"ETH": Balance(posted_minor=100_000_000, scale=8)})
        ether = a_withdrawal("1", currency="ETH")
        wei = a_withdrawal("0.000000000000000001", currency="ETH")

        taken, too_precise = said(ether, coarse, rules), said(wei, coarse, rules)

        assert isinstance(taken, Moved)
        assert (taken.scale, taken.after_minor) == (8, 0)
        assert code_of(too_precise) is Code.AMOUNT_TOO_PRECISE


class TestExpiry:
    @pytest.mark.parametrize(("late_ms", "code"), [(-1, None), (0, None), (1, Code.EXPIRED)])
    def test_is_after_the_moment_named(self, late_ms: int, code: Code | None) -> None:
        expires_at = NOON - timedelta(milliseconds=late_ms)

        decision = said(a_deposit(expires_at=expires_at), an_account())

        assert code_of(decision) is code


class TestPrecedence:
    def test_tells_the_first_of_all_that_is_wrong(self) -> None:
        """Mend one thing after the other: the codes come in the order of the enum."""
        late, full = NOON - timedelta(seconds=1), an_account(balances=dict.fromkeys(["EUR"], ZERO))
        tries = [
            said(a_deposit("0.001", currency="XYZ", expires_at=late), None, TIGHT),
            said(a_deposit("0.001", currency="XYZ"), None, TIGHT),
            said(a_deposit("0.001", house="tips"), None, TIGHT),
            said(a_deposit("0.001"), None, TIGHT),
            said(a_deposit("0.01"), None, TIGHT),
            said(a_deposit("99.00"), None, TIGHT),
            said(a_deposit("2.00"), None, TIGHT),
            said(a_deposit("2.00"), full, TIGHT),
            said(a_deposit("2.00"), an_account(posted_minor=1900), TIGHT),
            said(a_withdrawal("2.00"), an_account(posted_minor=1), TIGHT),
        ]

        codes = [code for each in tries if (code := code_of(each)) is not None]

        assert len(codes) == len(set(codes)) == len(tries)
        order = list(Code)
        assert codes == sorted(codes, key=order.index)


ZERO = Balance(posted_minor=0, scale=2)


@given(
    st.integers(0, AMOUNT_MINOR_MAX),
    st.integers(1, AMOUNT_MINOR_MAX),
    st.sampled_from([0, 2, 8, 18]),
)
def test_money_is_neither_made_nor_lost(posted: int, amount: int, scale: int) -> None:
    rules = replace(RULES, currencies={"USD": CurrencyRules(scale=scale)})
    account = an_account(balances={"USD": Balance(posted_minor=posted, scale=scale)})

    taken = said(a_withdrawal(to_amount(amount, scale)), account, rules)

    if amount > posted:
        assert code_of(taken) is Code.INSUFFICIENT_FUNDS
    else:
        assert isinstance(taken, Moved)
        assert taken.after_minor == posted - amount
