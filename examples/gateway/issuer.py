"""Another issuer, whose access tokens the gateway takes in the place of the service's own."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from examples.gateway.environment import Found, SettingsError, is_loopback

USERNAME_CLAIM = "sub"
"""RFC 7519 §4.1.2: unique with its issuer, and never given to another user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who says who somebody is, to whom, and where in a token it stands."""

    url: str
    """GATEWAY_ISSUER: to the letter what its tokens and its discovery document call it, with its slash
    at the end where it has one."""
    audience: str
    """GATEWAY_AUDIENCE: the name of this API at the issuer. Without it, a token that a user gave to any
    other application would be good here."""
    username_claim: str = USERNAME_CLAIM
    """GATEWAY_USERNAME_CLAIM: must never change its user, nor be what users choose themselves."""

    @property
    def discovery_url(self) -> str:
        """OpenID Connect Discovery 1.0 §4: behind the issuer's URL, whose last slash goes."""
        return self.url.removesuffix("/") + "/.well-known/openid-configuration"


def issuer_of(found: Found) -> Issuer | None:
    """Return the issuer that is set; None where the service's own tokens are taken.

    Raises:
        SettingsError: Something about it is missing or wrong.
    """
    url, audience = found.get("ISSUER"), found.get("AUDIENCE")
    if not url:
        for name in ("AUDIENCE", "USERNAME_CLAIM"):
            if found.get(name):
                raise SettingsError(
                    f"GATEWAY_{name} means nothing without GATEWAY_ISSUER; set that"
                )
        return None
    if not is_safe(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise SettingsError(
            "GATEWAY_ISSUER is no URL such as https://login.example/, without a query; http is for "
            "an issuer on this machine alone. Take it as the issuer's discovery document has it"
        )
    if not audience:
        raise SettingsError(
            "GATEWAY_AUDIENCE is not set, and has to be with GATEWAY_ISSUER: the name of this API at "
            "the issuer, without which tokens for any other would be good here"
        )
    claim = found.get("USERNAME_CLAIM") or USERNAME_CLAIM
    return Issuer(url=url, audience=audience, username_claim=claim)


def is_safe(url: str, *, in_the_clear: bool = True) -> bool:
    """Whether nobody on the way can change what *url* answers: https, or this machine itself."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or not url.isascii() or not url.isprintable():
        return False
    return parts.scheme == "https" or (
        in_the_clear and parts.scheme == "http" and is_loopback(host)
    )
