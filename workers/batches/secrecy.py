"""Which parts of a record may hold a secret: by what they are called, and by what they look like."""

import re
from functools import cache

import orjson

from contracts.headers import HEADER_LENGTH_MAX
from contracts.message import SIGN_IN_NAME_PATTERN, USERNAME_PATTERN

SECRET_BYTES_MIN = 4
"""A PIN's length; what is shorter is no secret."""

_ANYWHERE = (
    *(b"password", b"passwd", b"passphrase", b"passcode", b"token", b"secret", b"credential"),
    b"sealedclaim",
    *(b"authorization", b"cookie", b"bearer", b"apikey", b"privatekey", b"accesskey"),
)
"""Words that are hardly part of another one: they count wherever they stand."""

_WORDS = (
    *(b"pwd", b"pass", b"pw", b"pin", b"puk", b"otp", b"totp", b"mfa", b"tan", b"cvv", b"cvc"),
    *(b"jwt", b"jws", b"jwe", b"jwk", b"auth", b"signature"),
)
"""Short ones, which count as whole words: there is a `pin` in shipping, too."""

_SEPARATORS = b"-_. "
"""Taken out before looking: `api-key`, `API_KEY` and `apiKey` are one word to whoever wrote them."""

_SHAPES = (
    (b"eyJ", re.compile(rb"(?<![\w-])eyJ[\w-]{8,}\.[\w-]*\.")),  # JWT, JWE: `{"` in base64url
    (b"-----BEGIN", re.compile(rb"-----BEGIN")),  # PEM
    (b" ", re.compile(rb"\b(?:basic|bearer)\s+[\w+/=.~-]{4}", re.IGNORECASE)),  # RFC 9110 §11.4
    (b"@", re.compile(rb"://[^/\s:@]*:[^/\s@]+@")),  # RFC 3986 §3.2.1: a password in an address
)
"""What each has in it, so that most text costs one look, and how it looks."""


_USERNAME = re.compile(USERNAME_PATTERN[:-1].encode() + rb"\Z")
_SIGN_IN_NAME = re.compile(SIGN_IN_NAME_PATTERN[:-1].encode() + rb"\Z")


def may_be_secret(text: bytes) -> bool:
    """Say whether *text* names a secret, or holds something that looks like one."""
    plain = _unescaped(text)
    lowered = plain.lower()
    joined = lowered.translate(None, _SEPARATORS)
    return (
        any(word in joined for word in _ANYWHERE)
        or any(word in lowered and _whole(word).search(plain) for word in _WORDS)
        or looks_secret(plain)
    )


def looks_secret(text: bytes) -> bool:
    """Say whether something in *text* looks like a secret, whatever it is called."""
    return any(part in text and shape.search(text) for part, shape in _SHAPES)


@cache
def _whole(word: bytes) -> re.Pattern[bytes]:
    """Return what finds *word* by itself, or as a word of camelCase."""
    lower, title, upper = word, word.title(), word.upper()
    return re.compile(
        rb"(?<![A-Za-z0-9])%b(?![a-z])|(?<![A-Z])%b(?![a-z])|(?<![A-Z])%b(?![A-Za-z])"
        % (lower, title, upper)
    )


def _unescaped(text: bytes) -> bytes:
    """Return JSON without escapes of plain letters, which hide a name from whoever looks for it."""
    if rb"\u00" not in text:
        return text
    try:
        return orjson.dumps(orjson.loads(text))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return text


def may_keep_key(key: bytes | None, *, secretive: bool) -> bool:
    """Say whether a record's key may be shown; *secretive* where the record may carry secrets."""
    if key is None or _SIGN_IN_NAME.match(key):
        return True
    if secretive:
        return False
    if _USERNAME.match(key) and b"=" not in key:
        return not looks_secret(key)  # what it is called by may be any word, as in `auth0|…`
    return not may_be_secret(key)


def may_keep_header(name: str, value: bytes | None, *, secretive: bool) -> bool:
    """Say whether a header may be shown; *secretive* where the record may carry secrets.

    What the headers that we read say is published anyway: of them only the look counts.
    """
    if value is None:
        return not may_be_secret(name.encode())
    if name in HEADER_LENGTH_MAX:
        return not looks_secret(value)
    if secretive and len(value) >= SECRET_BYTES_MIN:
        return False
    return not may_be_secret(name.encode()) and not may_be_secret(value)
