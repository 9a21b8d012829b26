"""What callers do with accounts' names and secrets, in plain arguments: sealed, asked, and opened.

What seals and opens is loaded where it is used: who only moves money needs no cryptography.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar, Unpack

from client.calls import AccountCalls, CommandOptions, OpenOptions
from client.clock import fresh_command_id, utc_now
from client.errors import RefusedError
from client.key_set import SealingKeys
from client.repeating import accepted
from client.signed_in import Options, SignedIn
from client.timeouts import ANSWER_TIMEOUT_S
from contracts.codes import Code
from contracts.commands import AnyCommand
from contracts.registration import Open, Register, Takeover
from contracts.results import Result
from contracts.sealing import Purpose

T = TypeVar("T")


class RegisterOptions(CommandOptions, total=False):
    """What may be said besides of who registers."""

    phone: str
    date_of_birth: date
    marketing_consent: bool
    claim: str
    """The secret that the account was opened with: it becomes this user's, with its money."""


class SignInCalls(AccountCalls):
    """Each fetches what to seal to by itself, and asks again where no answer comes.

    What else each raises:
        SealingKeysError: What to seal to cannot be had; nothing was sent.
    """

    @property
    @abstractmethod
    def sealing_keys(self) -> SealingKeys:
        """What the calls seal to."""

    def now(self) -> datetime:
        """Return the moment that is written on what is sealed."""
        return utc_now()

    async def open(self, username: str, **options: Unpack[OpenOptions]) -> Result:
        """Open an account for a user who signs in elsewhere, or nowhere, or registers later.

        Raises:
            UsernameTakenError: There is, or was, one of this name.
        """
        return accepted(await self.try_open(username, **options))

    async def try_open(self, username: str, **options: Unpack[OpenOptions]) -> Result:
        """As `open`, and return a refusal too: see `Result.error`."""
        claim = options.pop("claim", None)
        if claim is None:
            return await self._decided(Open, {"username": username}, options)
        secrets = {"sealed_claim": (Purpose.OPEN_CLAIM, claim)}
        return await self._sealed_and_decided(Open, {"username": username}, secrets, options)

    async def register(
        self,
        username: str,
        password: str,
        *,
        email: str,
        first_name: str,
        last_name: str,
        **options: Unpack[RegisterOptions],
    ) -> Result:
        """Open an account that its user can sign in to from then on, or take over an opened one.

        Raises:
            UsernameTakenError: There is, or was, one of this name, not opened with this claim.
            UnknownAccountError: There is none that was opened with a claim.
            EmailTakenError: Another account uses the address.
            PasswordRefusedError: It is too short, too common, or the user's own name.
        """
        given = {"email": email, "first_name": first_name, "last_name": last_name}
        return accepted(await self.try_register(username, password, **given, **options))

    async def try_register(
        self,
        username: str,
        password: str,
        *,
        email: str,
        first_name: str,
        last_name: str,
        **options: Unpack[RegisterOptions],
    ) -> Result:
        """As `register`, and return a refusal too: see `Result.error`."""
        secrets = {"sealed_password": (Purpose.REGISTER_PASSWORD, password)}
        if (claim := options.pop("claim", None)) is not None:
            # In one envelope: nobody can put it beside a password of their own.
            both = Takeover(claim=claim, password=password).to_seal()
            secrets["sealed_claim"] = (Purpose.REGISTER_CLAIM, both)
        given = {
            "username": username,
            "email": email,
            "first_name": first_name,
            "last_name": last_name,
        }
        return await self._sealed_and_decided(Register, given, secrets, options)

    async def login(
        self,
        username: str,
        password: str,
        *,
        device_token: str | None = None,
        **options: Unpack[Options],
    ) -> SignedIn:
        """Open a session; its tokens are in `tokens`.

        *device_token* is that of the tokens that were had last on the user's device, signed out or
        not: with it, the user does not wait for strangers who guess. Keep the new one, secret.

        Raises:
            InvalidCredentialsError: Name and password do not belong together.
            TooManyAttemptsError: Wait for `retry_after_s`.
        """
        from client.sessions import sign_in

        return await self._sealed(
            options,
            lambda keys, left: sign_in(
                self,
                keys,
                username,
                password,
                now=self.now(),
                device_token=device_token,
                **left,
            ),
        )

    async def refresh(
        self, username: str, refresh_token: str, **options: Unpack[Options]
    ) -> SignedIn:
        """Exchange *refresh_token* for new tokens; it is spent afterwards.

        Raises:
            SessionEndedError: Sign in again.
            RefusedError: `token_superseded`: somebody else in your program has the new tokens.
        """
        from client.sessions import refresh

        return await self._sealed(
            options,
            lambda keys, left: refresh(self, keys, username, refresh_token, now=self.now(), **left),
        )

    async def logout(
        self,
        username: str,
        access_token: str,
        *,
        everywhere: bool = False,
        **options: Unpack[Options],
    ) -> int:
        """End the session of *access_token*, or all of the user's; return how many were ended.

        Raises:
            SessionEndedError: It was ended before.
            RefusedError: `token_invalid` and others.
        """
        from client.sessions import sign_out

        return await self._sealed(
            options,
            lambda keys, left: sign_out(
                self,
                keys,
                username,
                access_token,
                everywhere=everywhere,
                now=self.now(),
                **left,
            ),
        )

    async def change_password(
        self,
        username: str,
        access_token: str,
        password: str,
        new_password: str,
        **options: Unpack[Options],
    ) -> int:
        """Set a new password; return how many other sessions were ended by it.

        The session of *access_token* goes on; refresh its tokens afterwards.

        Raises:
            InvalidCredentialsError: *password* is not the user's.
            PasswordRefusedError: *new_password* may not be chosen.
        """
        from client.sessions import change_password

        return await self._sealed(
            options,
            lambda keys, left: change_password(
                self,
                keys,
                username,
                access_token,
                password,
                new_password,
                now=self.now(),
                **left,
            ),
        )

    async def _sealed_and_decided(
        self,
        kind: Callable[..., AnyCommand],
        given: Mapping[str, str],
        secrets: Mapping[str, tuple[Purpose, str]],
        options: CommandOptions,
    ) -> Result:
        """Return the answer to a command of this *kind*, with *secrets*, by field, sealed for it."""
        from client.sessions import sealed_for

        keys, left_s = await self._keys(options)
        command_id = options.get("command_id") or fresh_command_id()
        about = (keys, given["username"], command_id)
        sealed = {
            name: sealed_for(*about, purpose, secret, now=self.now())
            for name, (purpose, secret) in secrets.items()
        }
        fields = {**given, "command_id": command_id, **sealed}
        result = await self._decided(kind, fields, {**options, "timeout_s": left_s})
        if result.error is not None and result.error.code == Code.SEAL_INVALID:
            self.sealing_keys.forget()
        return result

    async def _sealed(
        self, options: Options, call: Callable[[Mapping[str, Any], Options], Awaitable[T]]
    ) -> T:
        keys, left_s = await self._keys(options)
        left = options.copy()
        left["timeout_s"] = left_s
        try:
            return await call(keys, left)
        except RefusedError as error:
            if error.error.code == Code.SEAL_INVALID:
                self.sealing_keys.forget()
            raise

    async def _keys(self, options: CommandOptions | Options) -> tuple[Mapping[str, Any], float]:
        """Return the keys to seal to, and how many seconds they leave of the call's time."""
        timeout_s = options.get("timeout_s", ANSWER_TIMEOUT_S)
        now = asyncio.get_running_loop().time
        until_s = now() + timeout_s
        keys = await self.sealing_keys.get(timeout_s)
        return keys, max(until_s - now(), 0)
