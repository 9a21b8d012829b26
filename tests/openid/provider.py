"""Runs a real OpenID provider, and signs users in with it as a browser and a shop's page would."""

import base64
import hashlib
import json
import secrets
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from tests.generated_models.languages import NODE, need
from tests.places import REPOSITORY

SCRIPT = Path(__file__).parent / "provider.mjs"
PACKAGE = REPOSITORY / "node_modules" / "oidc-provider"
REDIRECT_URI = "https://shop.example/signed-in"
API = "https://accounts.example/api"
"""What this gateway is called at the provider."""
ANSWER_MAX_S = 60
"""On a machine that does other things too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a user's application has after a sign-in."""

    access_token: str
    id_token: str


class OpenIdProvider:
    """A provider, and beside it another with the same keys."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.issuer, self.other_issuer = self._answer()

    def rotate_keys(self) -> None:
        """Sign with new keys, and show those alone."""
        self._do("rotate")

    def stop(self) -> None:
        """Listen no more."""
        self._do("down")

    def start(self) -> None:
        """Listen again, at the same address."""
        self._do("up")

    def jwks(self) -> dict[str, Any]:
        """Return the keys that it shows."""
        return httpx2.get(f"{self.issuer}/jwks", trust_env=False, timeout=ANSWER_MAX_S).json()

    def sign_in(
        self, user: str, *, audience: str = API, algorithm: str = "RS256", issuer: str = ""
    ) -> Given:
        """Sign *user* in: an authorization code for this browser, PKCE, tokens for *audience*."""
        verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        application = {"client_id": f"shop-{algorithm}", "redirect_uri": REDIRECT_URI}
        asked = {
            **application,
            "response_type": "code",
            "scope": "openid money",
            "resource": audience,
            "nonce": "once",
            "code_challenge_method": "S256",
            "code_challenge": challenge.decode().rstrip("="),
        }
        base = issuer or self.issuer
        with httpx2.Client(base_url=base, trust_env=False, timeout=ANSWER_MAX_S) as browser:
            code = _code(browser, browser.get("/auth", params=asked), user)
            spent = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
            body = {**application, **spent, "resource": audience}
            answer = browser.post("/token", data=body).json()
        return Given(access_token=answer["access_token"], id_token=answer["id_token"])

    def _do(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        assert self._answer() == command

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the provider ended with {self._process.wait()}"
        return json.loads(line)


def _code(browser: httpx2.Client, response: httpx2.Response, user: str) -> str:
    """Log in and consent where it is asked for, until the provider sends the browser back."""
    while not (to := response.headers["location"]).startswith(REDIRECT_URI):
        where = urljoin(str(browser.base_url), to)
        if not urlsplit(where).path.startswith("/interaction/"):
            response = browser.get(where)
            continue
        is_login = 'value="login"' in browser.get(where).text
        form = (
            {"prompt": "login", "login": user, "password": "x"}
            if is_login
            else {"prompt": "consent"}
        )
        response = browser.post(where, data=form)
    return parse_qs(urlsplit(to).query)["code"][0]


@contextmanager
def an_openid_provider(log: Path) -> Generator[OpenIdProvider]:
    """Run one; the test is skipped where npm installed nothing."""
    need(PACKAGE)
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [*NODE, SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=REPOSITORY,
        ) as process,
    ):
        assert process.stdin is not None
        try:
            yield OpenIdProvider(process)
        finally:
            process.stdin.close()
            process.wait(ANSWER_MAX_S)
