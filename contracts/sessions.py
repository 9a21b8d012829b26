"""Signing in, staying signed in, and signing out."""

from typing import Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field

from contracts.message import Instant, Message, Published, ShortText
from contracts.published import PublishedUsername, known_values
from contracts.registration import Sealed
from contracts.request import SignInRequest

Coordinate: TypeAlias = Annotated[str, Field(pattern=r"^[\w-]{43}$")]
"""32 bytes as base64url without padding (RFC 7518 §6.2.1, RFC 8037 §2)."""

Source: TypeAlias = Annotated[
    ShortText,
    Field(
        description="Where the user is, such as an IP address, as the caller vouches for it: "
        "failed sign-ins are counted by it too, of IPv6 by its /64. Those without one share a "
        "count of their user's.",
        examples=["198.51.100.7"],
    ),
]


class ReplyKey(Message):
    """The public key that tokens are sealed to: X25519 (RFC 8037), of the caller's, for one use."""

    model_config = ConfigDict(extra="ignore")

    kty: Literal["OKP"]
    crv: Literal["X25519"]
    x: Coordinate


class Login(SignInRequest):
    """Open a session with a password."""

    sealed_password: Sealed
    sealed_device_token: Annotated[
        Sealed | None,
        Field(
            description="The `device_token` of an earlier sign-in on this device, of `Tokens`: what "
            "strangers guess does not make it wait. One that is no longer good is no error."
        ),
    ] = None
    reply_key: ReplyKey
    source: Source | None = None


class Refresh(SignInRequest):
    """Exchange a refresh token for new tokens; the old one is spent."""

    sealed_refresh_token: Sealed
    reply_key: ReplyKey
    source: Source | None = None


class Logout(SignInRequest):
    """End the session of an access token, or all sessions of its user."""

    sealed_access_token: Sealed
    everywhere: bool = False
    source: Source | None = None


class BearerTokens(Published):
    """What it takes to be signed in, and to stay so."""

    access_token: str = Field(description="JWT (RFC 9068), for gateways to verify by themselves.")
    refresh_token: str = Field(description="Opaque; good for one refresh.")
    token_type: Literal["Bearer"] = "Bearer"
    """Closed: a token of a type that one does not know must not be used (RFC 6749 §7.1)."""
    expires_in: int = Field(description="Seconds until the access token expires.")
    refresh_expires_in: int = Field(description="Seconds until the session ends by itself.")


class Tokens(BearerTokens):
    """What `sealed_tokens` holds once opened with the private part of `reply_key`."""

    device_token: str | None = Field(
        default=None,
        description="To be kept on the device, also beyond the session, and sent with the next "
        "sign-in there; it opens nothing by itself. Good for 90 days, or until the password is "
        "changed, all sessions are ended together, or the key that signed it retires: each refresh "
        "brings a new one.",
    )


class SessionRevoked(Published):
    """An ended session whose access tokens may not have expired (`accounts.state.revocations`)."""

    session_id: str
    username: PublishedUsername
    reason: str = known_values(
        ("logout", "password_changed", "token_reused"),
        "Why. Whatever it is, the session has ended.",
    )
    revoked_at: Instant
    expires_at: Instant = Field(description="From then on no access token of it is valid anyway.")
