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
    """What a sealed field is for: the input and its field."""

    REGISTER_PASSWORD = "register.sealed_password"
