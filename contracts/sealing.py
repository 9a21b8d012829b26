"""What a sealed field's protected header must say, so that it cannot be spent elsewhere."""

from enum import StrEnum

ALGORITHM = "ECDH-ES"
ENCRYPTION = "A256GCM"


class SealHeader:
    """Names of our members of the JWE protected header, beside `alg`, `enc`, `epk` and `kid`."""

    COMMAND_ID = "cid"
    SUBJECT = "sub"
    PURPOSE = "purpose"
    ISSUED_AT = "iat"
    REPLY_KEY_THUMBPRINT = "rkt"


class Purpose(StrEnum):
    """What a sealed field is for: the input and its field, and there what is in it, if it may be two things."""

    OPEN_CLAIM = "open.sealed_claim"
    REGISTER_PASSWORD = "register.sealed_password"
    REGISTER_HASH = "register.sealed_password.hash"
    """In the same field, where another system has hashed the password."""
    REGISTER_CLAIM = "register.sealed_claim"
    LOGIN_PASSWORD = "login.sealed_password"
    LOGIN_DEVICE = "login.sealed_device_token"
    LOGIN_TOKENS = "login.sealed_tokens"
    REFRESH_TOKEN = "refresh.sealed_refresh_token"
    REFRESH_TOKENS = "refresh.sealed_tokens"
    LOGOUT_TOKEN = "logout.sealed_access_token"
    CHANGE_TOKEN = "change-password.sealed_access_token"
    CHANGE_PASSWORDS = "change-password.sealed_passwords"
