"""What can be wrong with one field: stable keys, and a sentence for each."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import LiteralString, cast

from pydantic_core import PydanticCustomError


class Problem(StrEnum):
    """Keys that stay. More may come, so read one that you do not know as `invalid`."""

    NOT_JSON = "not_json"
    NAME_REPEATED = "name_repeated"
    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    MALFORMED = "malformed"
    NOT_ONE_OF = "not_one_of"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TOO_SMALL = "too_small"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    NOTHING_TO_CHANGE = "nothing_to_change"
    SEALED_APART = "sealed_apart"
    NOT_A_TIME = "not_a_time"
    NOT_A_DATE = "not_a_date"
    DATE_TOO_EARLY = "date_too_early"
    DATE_IN_FUTURE = "date_in_future"
    BLANK = "blank"
    SPACE_AROUND = "space_around"
    NOT_PLAIN_TEXT = "not_plain_text"
    NOT_AN_EMAIL = "not_an_email"
    NOT_A_PHONE_NUMBER = "not_a_phone_number"
    NOT_A_SIGN_IN_NAME = "not_a_sign_in_name"
    INVALID = "invalid"

    @property
    def sentence(self) -> str:
        """What is wrong, and what to do. Never what was sent."""
        return SENTENCES[self]


SENTENCES: Mapping[Problem, str] = {
    Problem.NOT_JSON: "This is not one JSON object in UTF-8 (RFC 8259): no byte order mark, no NaN, "
    "nothing behind it.",
    Problem.NAME_REPEATED: "A name stands twice in one object; readers would disagree which value "
    "counts.",
    Problem.MISSING: "The field is required.",
    Problem.UNKNOWN_FIELD: "There is no such field; it is not named here because it may be a secret.",
    Problem.WRONG_TYPE: "The value has another JSON type than the field, such as a number in the "
    "place of a string.",
    Problem.MALFORMED: "The value does not match the field's pattern.",
    Problem.NOT_ONE_OF: "The value is none of those that the field may have.",
    Problem.TOO_SHORT: "The value has fewer characters than the field's minimum.",
    Problem.TOO_LONG: "The value has more characters or bytes than the field's maximum; those of "
    "names are counted in NFC.",
    Problem.TOO_SMALL: "The number is below the field's minimum.",
    Problem.TOO_LARGE: "The number is above the field's maximum.",
    Problem.TOO_MANY: "The value has more pairs than the field's maximum.",
    Problem.NOTHING_TO_CHANGE: "Name at least one field to change.",
    Problem.SEALED_APART: "Seal the old and the new password as one, as `sealed_passwords`.",
    Problem.NOT_A_TIME: "Write a time as RFC 3339, such as 2030-01-01T12:00:00Z; its year is 1 to "
    "9999, in UTC too.",
    Problem.NOT_A_DATE: "Write a day of the calendar as 1990-12-31.",
    Problem.DATE_TOO_EARLY: "The day is before 1900-01-01.",
    Problem.DATE_IN_FUTURE: "The day has not begun anywhere on earth.",
    Problem.BLANK: "The text shows nothing: it has spaces or invisible characters only.",
    Problem.SPACE_AROUND: "The text begins or ends with a space.",
    Problem.NOT_PLAIN_TEXT: "The text has a character that controls, or that is not one: a line end, "
    "a change of direction, a lone surrogate, one for private use, or a joiner that joins nothing.",
    Problem.NOT_AN_EMAIL: "This is no e-mail address; at most 64 bytes stand before the @.",
    Problem.NOT_A_PHONE_NUMBER: "Write a phone number that can be called from abroad as E.164, such "
    "as +14155550123.",
    Problem.NOT_A_SIGN_IN_NAME: "Nobody can register this username, so nobody could use the claim: names "
    "to sign in with are 3 to 32 lower-case letters, digits, `.`, `_` and `-`.",
    Problem.INVALID: "The value is not as the contract says.",
}

_OF_PYDANTIC: Mapping[str, Problem] = {
    "extra_forbidden": Problem.UNKNOWN_FIELD,
    "finite_number": Problem.WRONG_TYPE,
    "greater_than_equal": Problem.TOO_SMALL,
    "int_from_float": Problem.WRONG_TYPE,
    "int_parsing_size": Problem.TOO_LARGE,
    "json_invalid": Problem.NOT_JSON,
    "less_than_equal": Problem.TOO_LARGE,
    "literal_error": Problem.NOT_ONE_OF,
    "missing": Problem.MISSING,
    "string_pattern_mismatch": Problem.MALFORMED,
    "string_too_long": Problem.TOO_LONG,
    "string_too_short": Problem.TOO_SHORT,
    "string_unicode": Problem.NOT_JSON,
    "too_long": Problem.TOO_MANY,
}
"""Those of the library's names that do not end in `_type` or `_parsing`."""


_OURS = "accounts."
"""Begins the type of an error that a validator of ours raised; the key follows."""


def wrong(problem: Problem) -> PydanticCustomError:
    """Return what a validator raises to say *problem*."""
    # Its type is literal for the type checker alone: the library takes any string.
    kind = cast("LiteralString", _OURS + problem)
    return PydanticCustomError(kind, "{sentence}", {"sentence": problem.sentence})


def problem_of(error_type: str) -> Problem:
    """Return the key for what pydantic calls *error_type*."""
    if error_type.startswith(_OURS):
        return Problem(error_type.removeprefix(_OURS))
    if error_type in _OF_PYDANTIC:
        return _OF_PYDANTIC[error_type]
    return Problem.WRONG_TYPE if error_type.endswith(("_type", "_parsing")) else Problem.INVALID


def field_error(field: str, problem: Problem) -> dict[str, str]:
    """Return it as `contracts.results.FieldError`."""
    return {"field": field, "problem": problem.value, "detail": problem.sentence}


def in_short(errors: Sequence[Mapping[str, str]]) -> str:
    """Return *errors* as one line: each field with its key."""
    return "; ".join(f"{error['field']}: {error['problem']}" for error in errors)
