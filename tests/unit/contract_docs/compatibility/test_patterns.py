"""Which regular expressions are proved to take all that another takes."""

import pytest

from contract_docs.compatibility.patterns import takes_all_of

USERNAME = "^[a-z0-9][a-z0-9._-]{2,31}$"


@pytest.mark.parametrize(
    ("wider", "narrower"),
    [
        ("anything (?=at all)", "anything (?=at all)"),
        ("^[A-Za-z0-9][ -~]{0,127}$", USERNAME),
        ("^[ -~]{1,256}$", "^[ -~]{1,128}$"),
        ("^[ -~]+$", "^[ -~]{1,128}$"),
        ("^a*$", "^a?$"),
        ("^[A-Z][A-Z0-9]{2,9}$", "^[A-Z]{3}$"),
        ("^a{2}$", "^aa$"),
        ("^a+b?$", "^a{2,}$"),
        ("^a?[ab]*$", "^b{1,3}a$"),
        (r"^[\w-]{43}$", "^[A-Z]{43}$"),
        (r"^\d$", "^7$"),
    ],
)
def test_a_wider_one_is_proved(wider: str, narrower: str) -> None:
    assert takes_all_of(wider, narrower)


@pytest.mark.parametrize(
    ("other", "before"),
    [
        ("^[a-z0-9][a-z0-9._-]{2,19}$", USERNAME),
        ("^[a-z0-9][a-z0-9._-]{3,31}$", USERNAME),
        ("^[a-z0-9][a-z0-9._]{2,31}$", USERNAME),
        ("^[a-z0-9][a-z0-9._-]{2,31}x$", USERNAME),
        ("^[A-Z]{3}$", "^[A-Z][A-Z0-9]{2,9}$"),
        ("^a{3}$", "^a+$"),
        ("^a{1,5}$", "^a{1,}$"),
        ("^a?b?$", "^ba$"),
        ("^a$", "^a?$"),
    ],
)
def test_a_narrower_one_is_not(other: str, before: str) -> None:
    assert not takes_all_of(other, before)


@pytest.mark.parametrize(
    ("other", "before"),
    [
        ("xa$", "^a$"),
        ("^ax", "^a$"),
        ("^(a|b)$", "^a$"),
        ("^a|b$", "^a$"),
        ("^(?=a)[a-z]$", "^a$"),
        ("^[^b]$", "^a$"),
        (r"^\S$", "^a$"),
        ("^[a-zé]$", "^a$"),
        ("^a{1,2}{3}$", "^a$"),
    ],
)
def test_of_others_nothing_is_proved(other: str, before: str) -> None:
    """Though some of them are wider: then a person has to say so."""
    assert not takes_all_of(other, before)
