"""Opening an account: the commands, the secret that takes one over, and the password's way to be hashed."""

import json
import re
from typing import Annotated, Any, Self, TypeAlias

from pydantic import (
    Base64Bytes,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from contracts.message import (
    SIGN_IN_NAME_PATTERN,
    Command,
    CommandId,
    Message,
    Published,
    SignInName,
)
from contracts.problems import Problem, wrong
from contracts.profile import DateOfBirth, Email, Name, Phone

SEALED_PATTERN = r"^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]*\.[\w-]+$"
"""Five base64url parts (RFC 7516 §7.1), the second empty under ECDH-ES, the fourth where nothing was
sealed: a password of no characters is too short, not readable. Anything else is not sealed."""

SEALED_LENGTH_MAX = 8192
"""Characters of a sealed field: two passwords of 256 characters need under 5,000, escaped or not."""

Sealed: TypeAlias = Annotated[
    str,
    Field(
        pattern=SEALED_PATTERN,
        max_length=SEALED_LENGTH_MAX,
        description="JWE compact, ECDH-ES + A256GCM, to the service's key; never a plain password.",
    ),
]

CLAIM_PATTERN = r"^[A-Za-z0-9_-]{43,128}$"
"""Of a claim before it is sealed: base64url, 43 characters for 32 random bytes, which nobody guesses. So
it needs no slow hash, and whoever tries needs no waits. Hexadecimal fits, too."""

_SIGN_IN_NAME = re.compile(SIGN_IN_NAME_PATTERN, re.ASCII)


class Open(Command):
    """Open an account for a user who signs in elsewhere, or nowhere."""

    email: Email | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    marketing_consent: bool = False
    sealed_claim: (
        Annotated[
            Sealed,
            Field(
                description="A secret, sealed (JWE compact, ECDH-ES + A256GCM): whoever registers with the "
                "same one takes the account over. 43 to 128 characters of base64url, made from 32 random "
                "bytes or more. Only for usernames that can be registered."
            ),
        ]
        | None
    ) = None

    @field_validator("sealed_claim")
    @classmethod
    def _can_be_registered(cls, sealed: str | None, info: ValidationInfo) -> str | None:
        username = info.data.get("username")  # absent where it is wrong itself
        if sealed is not None and username is not None and not _SIGN_IN_NAME.fullmatch(username):
            raise wrong(Problem.NOT_A_SIGN_IN_NAME)
        return sealed


class Register(Command):
    """Open an account that can be signed in to, or take over one that was opened with a claim."""

    username: SignInName
    email: Email
    first_name: Name
    last_name: Name
    phone: Phone | None = None
    date_of_birth: DateOfBirth | None = None
    marketing_consent: bool = False
    sealed_password: Annotated[
        Sealed,
        Field(
            description="JWE compact, ECDH-ES + A256GCM, to the service's key; never a plain password. Under the "
            "purpose `register.sealed_password` it holds a password, under `register.sealed_password.hash` "
            "a hash that another system made of one."
        ),
    ]
    sealed_claim: (
        Annotated[
            Sealed,
            Field(
                description="The claim that the account was opened with, and the password of "
                "`sealed_password`, sealed together: `Takeover`. With it the account there is becomes this "
                "user's; without one a new account is opened."
            ),
        ]
        | None
    ) = None


class SealedTogether(Message):
    """Secrets in one envelope, so that neither can be put beside another in a copy."""

    model_config = ConfigDict(extra="forbid")

    def to_seal(self) -> str:
        """Return them as JSON, to be sealed."""
        # Not pydantic's own: its error about what is no text would repeat it.
        return json.dumps(self.model_dump(), ensure_ascii=False)

    @classmethod
    def opened(cls, text: str) -> Self | None:
        """Return what was sealed; None where that is something else."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None


class Takeover(SealedTogether):
    """What `sealed_claim` of a registration holds once opened: the claim, and the user's password."""

    claim: str = Field(repr=False)
    password: str = Field(repr=False)


def name_claim(username: str) -> str | None:
    """Return the sign-in name that *username* is but for case; None where it is like none."""
    name = username.lower()
    return name if _SIGN_IN_NAME.fullmatch(name) else None


class PendingCredential(Published):
    """An accepted registration on its way to be hashed (`accounts.internal.credentials`).

    Internal to this service: the shape may change together with its only reader, who believes
    nothing of it that the recorded registration does not say.
    """

    command_id: CommandId
    username: SignInName
    sealed_password: Sealed
    result: dict[str, Any] = Field(description="The accepted result, published once hashed.")
    headers: dict[str, str] = Field(description="The result's headers.")
    reply_to: str | None = Field(default=None, description="Where the caller wants the answer.")
    voucher: str | None = Field(
        default=None,
        description="Shows that a ledger worker judged this sealed password for this registration: "
        "HMAC-SHA-256 with a key that only holders of the sealing key can derive.",
    )
    kafka_correlation_id: Base64Bytes | None = Field(
        default=None, description="Goes back with the answer, as it came."
    )
