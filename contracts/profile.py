"""Who a user is: the fields of a profile and the command that changes them."""

import unicodedata
from datetime import date
from typing import Annotated, TypeAlias

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, model_validator

from contracts.message import Command

NAME_LENGTH_MAX = 100
"""Characters in a first or last name: longer than any on record, short enough for a form."""

EMAIL_LENGTH_MAX = 254
"""RFC 5321 §4.5.3.1.3: a path of 256 octets, less its angle brackets."""

BORN_AFTER = date(1900, 1, 1)
"""Nobody alive was born earlier; a date before it is a typing error."""


def _email(value: str) -> str:
    try:
        # No DNS: a decision must not hang on a name server.
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError("not a valid e-mail address") from error


def _phone(value: str) -> str:
    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("not a phone number; write it as E.164, such as +14155550123") from error
    canonical = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if canonical != value or not phonenumbers.is_possible_number(number):
        raise ValueError("not a phone number; write it as E.164, such as +14155550123")
    return canonical


def _name(value: str) -> str:
    if value != value.strip() or any(unicodedata.category(sign)[0] == "C" for sign in value):
        raise ValueError("a name has no control characters and no space around it")
    return unicodedata.normalize("NFC", value)


def _born(value: date) -> date:
    if value < BORN_AFTER:
        raise ValueError(f"a date of birth is after {BORN_AFTER}")
    return value


Email: TypeAlias = Annotated[
    str,
    Field(max_length=EMAIL_LENGTH_MAX, examples=["alice@example.com"]),
    AfterValidator(_email),
]
Name: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=NAME_LENGTH_MAX), AfterValidator(_name)
]
Phone: TypeAlias = Annotated[
    str,
    Field(max_length=16, description="E.164.", examples=["+14155550123"]),
    AfterValidator(_phone),
]
DateOfBirth: TypeAlias = Annotated[date, AfterValidator(_born)]


class UpdateProfile(Command):
    """Change the fields that are present. Absent is unchanged; null clears an optional one."""

    email: Email = ""
    first_name: Name = ""
    last_name: Name = ""
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    marketing_consent: bool = False

    @model_validator(mode="after")
    def _changes_something(self) -> "UpdateProfile":
        if not self.changes():
            raise ValueError("name at least one profile field to change")
        return self

    def changes(self) -> dict[str, str | date | bool | None]:
        """Return the fields that were present, with their new values."""
        present = self.model_fields_set - {"command_id", "username"}
        return {name: getattr(self, name) for name in sorted(present)}


def email_claim(email: str) -> str:
    """Return the form under which an address is unique: NFC, case folded."""
    return unicodedata.normalize("NFC", email).casefold()
