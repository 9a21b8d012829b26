"""What holds for the fields of commands and requests beside their types: in keywords, else in words."""

from typing import Any

from contracts.message import METADATA_BYTES_MAX
from contracts.profile import EMAIL_BYTES_MAX, EMAIL_LOCAL_BYTES_MAX, NAME_LENGTH_MAX

Json = dict[str, Any]

_INSTANT = (
    "RFC 3339 with seconds and an offset (`Z`, `+01:00`), of the years 1 to 9999 in UTC, without leap "
    "second; what is finer than microseconds is cut off."
)
_NAME = (
    f"As people write it, on one line; counted and kept in NFC: 1 to {NAME_LENGTH_MAX} characters. It "
    "shows something, has no space around it, no control or other character that is not shown, but "
    "joiners where they join something."
)

RULES: dict[str, Json] = {
    "amount": {
        "description": "Above zero, with at most the decimals of its currency: refused, never rounded. As a "
        "JSON number it would lose digits, so numbers are refused. The most per command and balance is "
        "the service's configuration."
    },
    "date_of_birth": {
        "description": "`YYYY-MM-DD`, a day of the calendar from 1900-01-01 on that has begun somewhere on "
        "earth."
    },
    "email": {
        "format": "idn-email",
        "description": f"RFC 5322 or, beyond ASCII, 6532: at most {EMAIL_BYTES_MAX} bytes of UTF-8, at most "
        f"{EMAIL_LOCAL_BYTES_MAX} before the @; no part in quotation marks, no address in brackets, no "
        "domain kept for tests and local networks. One account per address, whatever its case.",
    },
    "everywhere": {"description": "All sessions of the user end, not this one alone."},
    "expires_at": {"description": f"Decided later than this, the answer is `expired`. {_INSTANT}"},
    "first_name": {"description": _NAME},
    "from": {"description": f"Not earlier. {_INSTANT}"},
    "kind": {"description": "Entries of this kind alone."},
    "last_name": {"description": _NAME},
    "limit": {"description": "Entries on the page, at most."},
    "marketing_consent": {"description": "Whether the user agreed to be written to."},
    "metadata": {
        "description": "Stored with the entry and echoed. Keys and values have at most "
        f"{METADATA_BYTES_MAX} bytes of UTF-8 together."
    },
    "new_password": {
        "description": "The one to come: 8 to 256 characters in NFKC, neither common nor the user's name "
        "or address."
    },
    "order": {"description": "Which entries come first."},
    "password": {"description": "The one of now."},
    "phone": {
        "pattern": r"^\+[1-9]\d{1,14}$",
        "description": "E.164, to be called from abroad: of a country code that there is, and as long as "
        "numbers are there.",
    },
    "reason": {"description": "For people; stored with the entry and echoed."},
    "to": {"description": f"Earlier than. {_INSTANT}"},
    "x": {"description": "The 32 bytes of the key, base64url without padding."},
}
"""Keywords by field name; the same name means the same in all that is sent."""


def with_rules(schema: Json) -> None:
    """Say of each field of *schema* what is enforced."""
    for name in schema["properties"].keys() & RULES.keys():
        schema["properties"][name] |= RULES[name]
