"""Passwords at their bounds: registered, changed to, and signed in with, all of them or none."""

import unicodedata
from collections.abc import AsyncIterator

import orjson
import pytest
import pytest_asyncio

from contracts.topics import REGISTER
from tests.e2e.caller import PASSWORD, Caller, a_name
from tests.e2e.signing import Ask, Signed, Signing, guessed_all_day, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "p" * 72
"""As much of a password as bcrypt by itself would look at."""

ODD = "Pa\u0308ssword \ufb01ne \u212bngstr\u00f6m"
"""Decomposed, a ligature, a compatibility letter, composed."""

HUGE = "h" * (700 * 1024)
"""Sealed, it is nearly the largest record that Kafka takes."""

ACCEPTED = {
    "8 characters": "aB3$xY7!",
    "256 characters": "aB3$xY7!" * 32,
    "1024 bytes": "\U0001f40e" * 256,
    "72 bytes": LONG,
    "73 bytes": LONG + "q",
    "a NUL in it": "before\x00behind",
    "a NUL in front": "\x00behind it",
    "only spaces": " " * 9,
    "line ends": "first\r\nsecond",
    "no characters": "\ufdd0\uffff\U0010ffff" * 3,
    "right to left": "\u202ecorrect\u202c horse",
}
NEARLY = {
    "73 bytes": LONG + "r",
    "72 bytes": LONG + "q",
    "a NUL in it": "before\x00",
    "a NUL in front": "\x00",
    "only spaces": " " * 8,
    "line ends": "first\nsecond",
}
"""What hashes that stop early, or read loosely, would take for it."""

REFUSED = {
    "7 characters": ("aB3$xY7", "password_too_short"),
    "none": ("", "password_too_short"),
    "7 after NFKC": ("a\u0308B3$xY7", "password_too_short"),
    "257 characters": ("aB3$xY7!" * 32 + "x", "password_too_long"),
    "256 before NFKC": ("\ufdfa" * 256, "password_too_long"),
    "common": ("Password1", "password_common"),
    "common, wide": (
        "\uff30\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11",
        "password_common",
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def signing(caller: Caller) -> AsyncIterator[Signing]:
    yield Signing(caller)


async def changed_to(signing: Signing, signed: Signed, password: str) -> str | None:
    """Change the usual password; return why not."""
    return await signing.code(signing.change(signed.username, signed.access, PASSWORD, password))


async def signs_in(signing: Signing, username: str, password: str) -> bool:
    """Say whether the password is taken, as if nobody had failed before."""
    signing.forgive(username)
    code = await signing.code(signing.login(username, password))
    assert code in {None, "invalid_credentials"}
    return code is None


@pytest.mark.parametrize("name", ACCEPTED)
async def test_what_is_set_is_what_signs_in(signing: Signing, name: str) -> None:
    password, nearly = ACCEPTED[name], NEARLY.get(name, ACCEPTED[name][:-1])
    registered, changed = a_name(), await signing.a_session()
    await signing.caller.accepted(REGISTER, signing.caller.registration(registered, password))
    assert await changed_to(signing, changed, password) is None

    for username in (registered, changed.username):
        assert await signs_in(signing, username, password)
        assert not await signs_in(signing, username, nearly)
        assert not await signs_in(signing, username, password + "\x00")
        assert not await signs_in(signing, username, "")


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_at_registration_is_refused_as_a_change(
    signing: Signing, name: str
) -> None:
    password, code = REFUSED[name]
    caller, signed, username = signing.caller, await signing.a_session(), a_name()

    assert await caller.refused(REGISTER, caller.registration(username, password)) == code
    assert await changed_to(signing, signed, password) == code

    assert not await signs_in(signing, username, password)
    assert not await signs_in(signing, signed.username, password)
    assert await signs_in(signing, signed.username, PASSWORD)


async def test_neither_is_the_username_or_the_e_mail_address(signing: Signing) -> None:
    signed = await signing.a_session()
    for password in (signed.username.upper(), f"{signed.username}@Example.com"):
        assert await changed_to(signing, signed, password) == "password_personal"


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
async def test_every_form_of_the_same_characters_is_the_same_password(
    signing: Signing, form: str
) -> None:
    """A phone and a computer send different bytes for the same key presses."""
    registered, changed = a_name(), await signing.a_session()
    await signing.caller.accepted(REGISTER, signing.caller.registration(registered, ODD))
    assert await changed_to(signing, changed, ODD) is None

    typed = unicodedata.normalize(form, ODD)  # type: ignore[arg-type]

    for username in (registered, changed.username):
        assert await signs_in(signing, username, typed)
        assert not await signs_in(signing, username, typed.lower())


async def refused_for_its_size(signing: Signing, ask: Ask) -> None:
    """See that *ask* is answered, and left out of its dead letter."""
    placed = await signing.caller.send(ask.topic, ask.body)
    assert (await signing.reply(ask)).code == "invalid_request"
    inbox = signing.caller.inbox
    [letter] = await inbox.until(lambda: inbox.dead_letters(str(placed)), "its dead letter")
    assert len(letter.value) < 1024


async def test_a_password_of_a_mebibyte_is_refused_unopened(signing: Signing) -> None:
    caller, username, signed = signing.caller, a_name(), await signing.a_session()
    registration = caller.registration(username, HUGE)
    assert len(orjson.dumps(registration)) > 900 * 1024

    assert await caller.refused(REGISTER, registration) == "invalid_command"
    await refused_for_its_size(signing, signing.login(signed.username, HUGE))
    await refused_for_its_size(
        signing, signing.change(signed.username, signed.access, PASSWORD, HUGE)
    )
    await refused_for_its_size(
        signing, signing.change(signed.username, signed.access, HUGE, PASSWORD)
    )

    assert await signs_in(signing, signed.username, PASSWORD)


async def test_a_password_as_long_as_fits_a_seal_is_hashed_in_no_time(signing: Signing) -> None:
    """Longer than any that is set, so that nobody has it; tried like all others."""
    username = await signing.caller.a_user()

    assert not await signs_in(signing, username, "x" * 2500)


async def test_on_a_known_device_nobody_waits_for_strangers(signing: Signing) -> None:
    signed = await signing.a_session()
    username = signed.username
    guessed_all_day(signing.caller.service, username, but=1)

    last = await signing.code(signing.login(username, "a guess", source="203.0.113.9"))
    elsewhere = await signing.ask(signing.login(username, source="198.51.100.7"))
    again = signing.login(username, device_token=signed.device)
    renewed = opened(again, await signing.accepted(again))

    assert last == "invalid_credentials"
    assert (elsewhere.code, elsewhere.body["error"]["retryable"]) == ("too_many_attempts", True)
    assert elsewhere.body["retry_after_s"] > 60
    assert renewed.device != signed.device
    events = await signing.caller.inbox.some("events.audit", username, 5)
    assert "lock-out" in {event.body["action"] for event in events}
