"""Who a user is: the fields of a profile and the command that changes them.

What judges e-mail addresses and phone numbers takes a tenth of a second to load, and a call of the
command line that moves money needs neither: both are loaded when the first one is judged.
"""

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from contracts.message import Command, Day, once_taken
from contracts.problems import Problem, wrong
from contracts.text import has_space_around, is_blank, is_plain

NAME_LENGTH_MAX = 100
"""Characters in a first or last name, in NFC: longer than any on record, short enough for a form."""

EMAIL_BYTES_MAX = 254
"""RFC 5321 §4.5.3.1.3: a path of 256 octets, less its angle brackets."""

EMAIL_LOCAL_BYTES_MAX = 64
"""RFC 5321 §4.5.3.1.1, and RFC 6532 §3.4: octets, also where they are not ASCII."""

DOMAINS_MAX = 1024
"""Domains of addresses remembered: those that most users have, and nobody fills memory with others."""

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+){0,31}", re.ASCII)
"""RFC 5321 §4.1.2: a Dot-string, of characters that need no second look."""

COMPOSED_OF_MAX = 4
"""Characters that NFC can make one of, at most: beyond that, nothing need be composed to be counted."""

BORN_AFTER = date(1900, 1, 1)
"""Nobody alive was born earlier; a date before it is a typing error."""


def _composed(value: str, length_max: int) -> str:
    """Return *value* in NFC: people see the same, whichever way it was typed."""
    if len(value) > length_max * COMPOSED_OF_MAX:
        raise wrong(Problem.TOO_LONG)
    return unicodedata.normalize("NFC", value)


@lru_cache(maxsize=DOMAINS_MAX)
def _domain(domain: str) -> str | None:
    """Return *domain* as addresses have it, None where none can."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - see above

    try:
        return validate_email(f"a@{domain}", check_deliverability=False).domain
    except EmailNotValidError:
        return None


def _plain_email(value: str) -> str | None:
    """Return what the library makes of *value*, where it is as nearly all are; None where that is unsure.

    A million accounts that move in have few domains, and a domain takes most of the time.
    """
    local, _, domain = value.rpartition("@")
    if len(local) > EMAIL_LOCAL_BYTES_MAX or not _PLAIN_LOCAL.fullmatch(local):
        return None
    if (known := _domain(domain)) is None:
        return None
    address = f"{local}@{known}"
    return address if max(len(address), len(value)) <= EMAIL_BYTES_MAX else None


def _email(value: str, info: ValidationInfo) -> str:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - see above

    if value.isascii() and (plain := _plain_email(value)) is not None:
        return plain
    tolerant = once_taken(info) and len(value) <= EMAIL_BYTES_MAX
    try:
        # No DNS: a decision must not hang on a name server.
        address = validate_email(
            value if tolerant else _composed(value, EMAIL_BYTES_MAX), check_deliverability=False
        )
    except EmailNotValidError:
        if tolerant:
            return value
        raise wrong(Problem.NOT_AN_EMAIL) from None
    # The library counts characters, and of the first part only where asked to.
    if not tolerant and (
        len(address.local_part.encode()) > EMAIL_LOCAL_BYTES_MAX
        or len(address.normalized.encode()) > EMAIL_BYTES_MAX
    ):
        raise wrong(Problem.NOT_AN_EMAIL)
    return address.normalized


def _phone(value: str, info: ValidationInfo) -> str:
    if once_taken(info):
        return value
    import phonenumbers  # noqa: PLC0415 - see above

    try:
        number = phonenumbers.parse(value, None)
    except phonenumbers.NumberParseException:
        raise wrong(Problem.NOT_A_PHONE_NUMBER) from None
    canonical = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    possible = phonenumbers.is_possible_number_with_reason(number)
    # Not `is_possible_number`: that takes one that can be called only from its own area, too.
    if canonical != value or possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise wrong(Problem.NOT_A_PHONE_NUMBER)
    return canonical


def _name(value: str, info: ValidationInfo) -> str:
    if once_taken(info) and len(value) <= NAME_LENGTH_MAX:
        return unicodedata.normalize("NFC", value)
    name = _composed(value, NAME_LENGTH_MAX)
    if not name:
        raise wrong(Problem.TOO_SHORT)
    if len(name) > NAME_LENGTH_MAX:
        raise wrong(Problem.TOO_LONG)
    if is_blank(name):
        raise wrong(Problem.BLANK)
    if has_space_around(name):
        raise wrong(Problem.SPACE_AROUND)
    if not is_plain(name):
        raise wrong(Problem.NOT_PLAIN_TEXT)
    return name


def _born(value: date, info: ValidationInfo) -> date:
    if value < BORN_AFTER and not once_taken(info):
        raise wrong(Problem.DATE_TOO_EARLY)
    return value


Email: TypeAlias = Annotated[
    str,
    AfterValidator(_email),
    Field(
        description="RFC 5322 or, beyond ASCII, 6532.",
        examples=["alice@example.com"],
        json_schema_extra={"maxLength": EMAIL_BYTES_MAX},
    ),
]
Name: TypeAlias = Annotated[
    str,
    AfterValidator(_name),
    Field(
        description="As people write it, on one line; counted and kept in NFC.",
        json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH_MAX},
    ),
]
Phone: TypeAlias = Annotated[
    str,
    Field(max_length=16, description="E.164, to be called from abroad.", examples=["+14155550123"]),
    AfterValidator(_phone),
]
DateOfBirth: TypeAlias = Annotated[
    Day,
    AfterValidator(_born),
    Field(description="From 1900-01-01 on, and not in the future.", examples=["1990-12-31"]),
]


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
            raise wrong(Problem.NOTHING_TO_CHANGE)
        return self

    def changes(self) -> dict[str, str | date | bool | None]:
        """Return the fields that were present, with their new values."""
        present = self.model_fields_set - {"command_id", "username"}
        return {name: getattr(self, name) for name in sorted(present)}


def load() -> None:
    """Load now what the first profile would otherwise wait for: in a process that answers others."""
    UpdateProfile(
        command_id="-",
        username="nobody",
        email="nobody@example.com",
        first_name="Zoë",
        phone="+14155550123",
    )


def email_claim(email: str) -> str:
    """Return the form under which an address is unique: NFC, and before the @ case folded.

    The domain is not folded, only lowered: IDNA 2008 tells `straße.de` from `strasse.de`
    (RFC 5894 §7.2), and so do their owners.
    """
    local, _, domain = unicodedata.normalize("NFC", email).rpartition("@")
    return f"{local.casefold()}@{domain.lower()}"
