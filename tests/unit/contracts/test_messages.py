"""What a command may say, field by field (P10)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from contracts.commands import COMMANDS, AnyCommand
from contracts.ledger import Deposit
from contracts.message import METADATA_BYTES_MAX, METADATA_PAIRS_MAX, rfc3339
from contracts.profile import UpdateProfile, email_claim
from contracts.registration import SEALED_LENGTH_MAX, Register
from contracts.results import Result
from contracts.topics import TopicSpec
from tests.received import an_update
from tests.unit.raw import COMMAND_BODIES, DEPOSIT_BODY, REGISTER_BODY, UPDATE_BODY
from tests.unit.records import a_result_body


def accepted(model: type[AnyCommand], body: Mapping[str, Any], **changed: object) -> bool:
    try:
        model.model_validate_json(orjson.dumps({**body, **changed}))
    except ValidationError:
        return False
    return True


class TestCommand:
    @pytest.mark.parametrize("topic", COMMANDS, ids=lambda topic: topic.name)
    def test_refuses_fields_it_does_not_know(self, topic: TopicSpec) -> None:
        model, body = COMMANDS[topic], COMMAND_BODIES[topic]

        assert accepted(model, body)
        assert not accepted(model, body, surprise=1)

    @pytest.mark.parametrize(
        ("command_id", "good"),
        [
            ("", False),
            (" ", True),
            ("~", True),
            ("x" * 127, True),
            ("x" * 128, True),
            ("x" * 129, False),
            ("a\tb", False),
            ("a\n", False),
            ("ö", False),
            (1, False),
        ],
    )
    def test_takes_ids_of_printable_ascii(self, command_id: object, *, good: bool) -> None:
        assert accepted(Deposit, DEPOSIT_BODY, command_id=command_id) is good

    def test_is_frozen(self) -> None:
        command = Deposit.model_validate(DEPOSIT_BODY)

        with pytest.raises(ValidationError, match="frozen"):
            command.amount = "1.00"


class TestMovement:
    @pytest.mark.parametrize(
        ("amount", "good"),
        [
            ("0", True),
            ("10.50", True),
            ("9" * 29, True),
            ("9" * 30, False),
            ("0." + "1" * 18, True),
            ("0." + "1" * 19, False),
            ("01", False),
            ("1.", False),
            (".5", False),
            ("-1", False),
            ("+1", False),
            ("1e3", False),
            ("1,5", False),
            (" 1", False),
            ("1\n", False),
            ("\u0661", False),
            ("NaN", False),
            (10, False),
            (10.5, False),
            (None, False),
        ],
    )
    def test_takes_amounts_as_plain_decimal_strings_only(
        self, amount: object, *, good: bool
    ) -> None:
        assert accepted(Deposit, DEPOSIT_BODY, amount=amount) is good

    @pytest.mark.parametrize(
        ("expires_at", "good"),
        [
            ("2030-01-01T12:00:00Z", True),
            ("2030-01-01T12:00:00.123+02:00", True),
            ("2030-01-01T12:00:00", False),
            ("2030-01-01", False),
            ("2030-01-01 12:00:00Z", False),
            ("2030-01-01T12:00Z", False),
            ("1893456001", False),
            (1893456000, False),
            ("9999-12-31T23:59:59-12:00", False),
            ("0001-01-01T00:00:00+12:00", False),
            ("tomorrow", False),
        ],
    )
    def test_takes_times_that_say_their_zone(self, expires_at: object, *, good: bool) -> None:
        assert accepted(Deposit, DEPOSIT_BODY, expires_at=expires_at) is good

    @pytest.mark.parametrize(("pairs", "good"), [(15, True), (16, True), (17, False)])
    def test_bounds_the_pairs_of_metadata(self, pairs: int, *, good: bool) -> None:
        metadata = {str(number): "x" for number in range(pairs)}

        assert METADATA_PAIRS_MAX == 16
        assert accepted(Deposit, DEPOSIT_BODY, metadata=metadata) is good

    @pytest.mark.parametrize(("more", "good"), [(-1, True), (0, True), (1, False)])
    def test_bounds_the_bytes_of_metadata(self, more: int, *, good: bool) -> None:
        metadata = {"é": "x" * (METADATA_BYTES_MAX - 2 + more)}

        assert accepted(Deposit, DEPOSIT_BODY, metadata=metadata) is good

    @pytest.mark.parametrize("field", ["reason", "related_id"])
    @pytest.mark.parametrize(
        ("length", "good"), [(0, False), (1, True), (127, True), (128, True), (129, False)]
    )
    def test_bounds_what_it_echoes(self, field: str, length: int, *, good: bool) -> None:
        assert accepted(Deposit, DEPOSIT_BODY, **{field: "x" * length}) is good


class TestProfile:
    @pytest.mark.parametrize(
        ("field", "value", "good"),
        [
            ("email", "alice@example.com", True),
            ("email", "alice", False),
            ("email", "a@b@c.com", False),
            ("email", "", False),
            ("email", None, False),
            ("phone", "+14155550123", True),
            ("phone", "4155550123", False),
            ("phone", "+1 415 555 0123", False),
            ("phone", "+1", False),
            ("phone", None, True),
            ("date_of_birth", "1899-12-31", False),
            ("date_of_birth", "1900-01-01", True),
            ("date_of_birth", "1990-02-30", False),
            ("date_of_birth", "01.02.1990", False),
            ("date_of_birth", None, True),
            ("first_name", "Zoë", True),
            ("first_name", "", False),
            ("first_name", "x" * 100, True),
            ("first_name", "x" * 101, False),
            ("first_name", " Zoë", False),
            ("first_name", "Z\u200boë", False),
            ("first_name", "Z\x00", False),
            ("last_name", None, False),
            ("marketing_consent", True, True),
            ("marketing_consent", "yes", False),
            ("marketing_consent", 1, False),
        ],
    )
    @pytest.mark.parametrize("body", [REGISTER_BODY, UPDATE_BODY], ids=["register", "update"])
    def test_is_taken_or_refused_alike_in_both_commands(
        self, body: Mapping[str, Any], field: str, value: object, *, good: bool
    ) -> None:
        model = Register if body is REGISTER_BODY else UpdateProfile

        assert accepted(model, body, **{field: value}) is good

    def test_says_one_name_in_one_way(self) -> None:
        spelt = [an_update(first_name=it) for it in ("Zoe\u0308", "Zoë")]

        assert spelt[0] == spelt[1]

    def test_is_not_changed_by_a_command_that_names_nothing(self) -> None:
        assert not accepted(UpdateProfile, {"command_id": "c", "username": "alice"})

    def test_tells_absent_from_null(self) -> None:
        absent = an_update(first_name="A")
        null = an_update(first_name="A", phone=None)

        assert absent.changes() == {"first_name": "A"}
        assert null.changes() == {"first_name": "A", "phone": None}

    def test_claims_an_address_whatever_its_case_and_form(self) -> None:
        assert len({email_claim(it) for it in ("Zoë@X.com", "ZOË@x.com", "Zoe\u0308@x.com")}) == 1


class TestSealed:
    @pytest.mark.parametrize(
        ("sealed", "good"),
        [
            ("aa..bb.cc.dd", True),
            ("aa.ee.bb.cc.dd", True),
            ("aa.bb.cc.dd", False),
            ("aa..bb.cc.dd.ee", False),
            ("correct horse", False),
            ("aa..bb.cc.", False),
            ("aa..bb.cc.dd\n", False),
            ("a" * (SEALED_LENGTH_MAX - 10) + "..bb.cc.dd", True),
            ("a" * (SEALED_LENGTH_MAX - 9) + "..bb.cc.dd", False),
        ],
    )
    def test_has_five_parts_and_a_bound(self, sealed: str, *, good: bool) -> None:
        assert accepted(Register, REGISTER_BODY, sealed_password=sealed) is good


class TestPublished:
    def test_lets_readers_ignore_what_they_do_not_know(self) -> None:
        body = orjson.dumps(a_result_body(invented_later=1))

        assert Result.model_validate_json(body).status == "accepted"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2030, 1, 1, 12, tzinfo=UTC), "2030-01-01T12:00:00.000Z"),
        (datetime(2030, 1, 1, 12, 0, 0, 123_999, tzinfo=UTC), "2030-01-01T12:00:00.123Z"),
        (datetime.fromisoformat("2030-01-01T12:00:00+02:00"), "2030-01-01T10:00:00.000Z"),
    ],
)
def test_times_are_said_in_utc_and_milliseconds(moment: datetime, said: str) -> None:
    assert rfc3339(moment) == said
