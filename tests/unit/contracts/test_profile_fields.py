"""Names, addresses, numbers and days as people have them, and what none of them is (P10)."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from contracts import profile
from contracts.problems import Problem
from contracts.profile import UpdateProfile, email_claim
from contracts.registration import Open, Register
from tests.received import an_update
from tests.unit.raw import REGISTER_BODY
from workers.batches.unreadable import field_errors

UPDATE_BODY: Mapping[str, Any] = {"command_id": "c-1", "username": "alice"}

NAMES: tuple[tuple[str, Problem | None], ...] = (
    ("Zoë", None),
    ("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", None),  # Persian, with its non-joiner
    ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", None),  # Sinhala, with its joiner
    ("\u0d2e\u0d4b\u0d39\u0d28\u0d4d\u200d", None),  # Malayalam, spelled with a joiner at its end
    ("\u845b\U000e0100\u57ce", None),  # Japanese, with a variation selector
    ("\u1828\u180e\u1820", None),  # Mongolian, with its vowel separator
    ("\U00031350", None),  # Unicode 15
    ("\U000323b0", None),  # Unicode 17
    ("\u5c71\u7530\u3000\u592a\u90ce", None),  # an ideographic space between two names
    ("O\u2019Brien-Smith Jr.", None),
    (".", None),  # whoever has one name only has to write something
    ("", Problem.TOO_SHORT),
    (" ", Problem.BLANK),
    ("\u00a0\u3000", Problem.BLANK),
    ("\u3164", Problem.BLANK),
    ("\u2800\u2800", Problem.BLANK),
    ("\u200d", Problem.BLANK),
    ("\ufe0f", Problem.BLANK),
    (" Zoë", Problem.SPACE_AROUND),
    ("Zoë\u3000", Problem.SPACE_AROUND),
    ("\u200dZoë", Problem.NOT_PLAIN_TEXT),
    ("Zoë \u200dB", Problem.NOT_PLAIN_TEXT),
    ("Z\u200boë", Problem.NOT_PLAIN_TEXT),
    ("Z\u3164oë", Problem.NOT_PLAIN_TEXT),
    ("Zoë\u202egnol", Problem.NOT_PLAIN_TEXT),
    ("Zoë\nB", Problem.NOT_PLAIN_TEXT),
    ("Zoë\u2028B", Problem.NOT_PLAIN_TEXT),
    ("Z\x00", Problem.NOT_PLAIN_TEXT),
    ("Zoë\ue000", Problem.NOT_PLAIN_TEXT),
    ("Zoë\uffff", Problem.NOT_PLAIN_TEXT),
    ("Zoë\U0003fffe", Problem.NOT_PLAIN_TEXT),
    ("x" * 100, None),
    ("x" * 101, Problem.TOO_LONG),
    ("e\u0301" * 100, None),
    ("e\u0301" * 101, Problem.TOO_LONG),
    ("\U0001d160" * 33, None),  # one sign each, three in NFC
    ("\U0001d160" * 34, Problem.TOO_LONG),
    ("\U0001d160" * 100, Problem.TOO_LONG),
    ("x" * 1_000_000, Problem.TOO_LONG),
)
DAYS: tuple[tuple[object, Problem | None], ...] = (
    ("1990-12-31", None),
    ("1900-01-01", None),
    ("2000-02-29", None),
    (None, None),
    ("1899-12-31", Problem.DATE_TOO_EARLY),
    ("0", Problem.NOT_A_DATE),
    ("-86400", Problem.NOT_A_DATE),
    ("946684800", Problem.NOT_A_DATE),
    ("946684800000", Problem.NOT_A_DATE),
    ("1990-02-30", Problem.NOT_A_DATE),
    ("1990-12-31T00:00:00Z", Problem.NOT_A_DATE),
    ("19901231", Problem.NOT_A_DATE),
    ("1990-W01-1", Problem.NOT_A_DATE),
    ("\u0661\u0669\u0669\u0660-12-31", Problem.NOT_A_DATE),
    (0, Problem.WRONG_TYPE),
    (946684800, Problem.WRONG_TYPE),
    (1e308, Problem.WRONG_TYPE),
)
PHONES: tuple[tuple[object, Problem | None], ...] = (
    ("+14155550123", None),
    ("+442071838750", None),
    ("+4930123456", None),
    ("+390236618300", None),
    (None, None),
    ("+15550123", Problem.NOT_A_PHONE_NUMBER),
    ("+441111", Problem.NOT_A_PHONE_NUMBER),
    ("+4930", Problem.NOT_A_PHONE_NUMBER),
    ("+12530000", Problem.NOT_A_PHONE_NUMBER),
    ("+1", Problem.NOT_A_PHONE_NUMBER),
    ("4155550123", Problem.NOT_A_PHONE_NUMBER),
    ("+1 415 555 0123", Problem.NOT_A_PHONE_NUMBER),
    ("+1415555012345678", Problem.TOO_LONG),
    (14155550123, Problem.WRONG_TYPE),
)
LOCAL = "a" * 64
EMAILS: tuple[tuple[object, Problem | None], ...] = (
    ("alice@example.com", None),
    ("x@stra\u00dfe.de", None),
    ("\u00f6" * 32 + "@example.com", None),
    (LOCAL + "@example.com", None),
    (LOCAL + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 57 + ".com", None),
    (LOCAL + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 58 + ".com", Problem.NOT_AN_EMAIL),
    (LOCAL + "a@example.com", Problem.NOT_AN_EMAIL),
    ("\u00f6" * 33 + "@example.com", Problem.NOT_AN_EMAIL),
    ("o\u0308" * 32 + "@example.com", None),  # 64 bytes in NFC, as it is kept
    ("alice", Problem.NOT_AN_EMAIL),
    ("a@b@c.com", Problem.NOT_AN_EMAIL),
    ("", Problem.NOT_AN_EMAIL),
    ("a" * 1_000_000, Problem.TOO_LONG),
    (None, Problem.WRONG_TYPE),
)
FIELDS = [
    (field, value, problem)
    for field, rows in (
        ("first_name", NAMES),
        ("last_name", NAMES),
        ("date_of_birth", DAYS),
        ("phone", PHONES),
        ("email", EMAILS),
    )
    for value, problem in rows
]


def problem_with(
    model: type[Register | UpdateProfile], body: Mapping[str, Any]
) -> tuple[str, str] | None:
    try:
        model.model_validate_json(orjson.dumps(body))
    except ValidationError as error:
        [found] = field_errors(model, error)
        return found["field"], found["problem"]
    return None


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    FIELDS,
    ids=[
        f"{number}-{field}-{ascii(value)[:20]}" for number, (field, value, _) in enumerate(FIELDS)
    ],
)
def test_is_taken_or_refused_alike_in_both_commands(
    field: str, value: object, problem: Problem | None
) -> None:
    found = {
        problem_with(Register, {**REGISTER_BODY, field: value}),
        problem_with(UpdateProfile, {**UPDATE_BODY, field: value}),
    }

    assert found == {None if problem is None else (field, problem.value)}


def test_one_name_is_kept_in_one_way() -> None:
    assert an_update(first_name="Zoe\u0308") == an_update(first_name="Zo\u00eb")


def test_a_command_that_changes_nothing_says_so() -> None:
    assert problem_with(UpdateProfile, UPDATE_BODY) == ("record", Problem.NOTHING_TO_CHANGE)


class TestAClaim:
    @pytest.mark.parametrize(
        "spelt", ["Zo\u00eb@X.com", "ZO\u00cb@x.com", "Zoe\u0308@x.com", "zo\u00eb@X.COM"]
    )
    def test_is_one_whatever_the_case_and_form(self, spelt: str) -> None:
        assert email_claim(spelt) == "zo\u00eb@x.com"

    @pytest.mark.parametrize(
        ("one", "other"),
        [("stra\u00dfe.de", "strasse.de"), ("\u03bd\u03ac\u03bd\u03bf\u03c2.gr", "\u03bd\u03ac\u03bd\u03bf\u03c3.gr")],
    )  # fmt: skip
    def test_of_one_domain_leaves_another_free(self, one: str, other: str) -> None:
        """IDNA 2003 folded them into one; since IDNA 2008 they have owners of their own."""
        kept = [an_update(email=f"x@{domain}").email for domain in (one, other)]

        assert kept == [f"x@{one}", f"x@{other}"]
        assert len({email_claim(each) for each in kept}) == 2

    def test_may_have_an_at_sign_before_the_last(self) -> None:
        assert email_claim('"A@B"@X.com') == '"a@b"@x.com'


LOCALS = ("a", "A.b", "a_b+c-d", "a" * 64, "a" * 65, "a..b", ".a", "a.", "a b", "é")
DOMAINS = (
    *("example.com", "EXAMPLE.com", "localhost", "x.test", "-a.com", "a..b", "1.2.3.4", "a_b.com"),
    *("xn--bcher-kva.example", "bücher.example", ("b" * 60 + ".") * 3 + "com", "com", "a b.com"),
)


@pytest.mark.parametrize("local", LOCALS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_an_address_is_judged_as_the_library_judges_it_whichever_way_it_goes(
    local: str, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most addresses are plain, and their domain is known: they need not be looked at letter by letter."""

    def unsure(value: str) -> None:
        del value

    def judged() -> object:
        try:
            return Open(command_id="1", username="a", email=f"{local}@{domain}").email
        except ValidationError as error:
            return error.errors(include_input=False)

    quickly = judged()
    monkeypatch.setattr(profile, "_plain_email", unsure)

    assert judged() == quickly
