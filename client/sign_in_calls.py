"""What callers do with passwords and sessions, in plain arguments: sealed, asked, and opened.

What seals and opens is loaded where it is used: who only moves money needs no cryptography.
"""

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar, Unpack

from client.calls import AccountCalls, CommandOptions
from client.clock import fresh_command_id, utc_now
from client.errors import RefusedError
from client.key_set import SealingKeys
from client.repeating import accepted
from client.signed_in import Options, SignedIn
from contracts.codes import Code
from contracts.registration import Register
from contracts.results import Result

T = TypeVar("T")


class RegisterOptions(CommandOptions, total=False):
    """What may be said besides of who registers."""

    phone: str
    date_of_birth: date
    marketing_consent: bool


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
        """Open an account that its user can sign in to from then on.

        Raises:
            UsernameTakenError: There is, or was, one of this name.
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
        from client.sessions import sealed_password

        keys = await self.sealing_keys.get()
        command_id = options.get("command_id") or fresh_command_id()
        sealed = sealed_password(keys, username, password, command_id, now=self.now())
        given = {
            "username": username,
            "command_id": command_id,
            "email": email,
            "first_name": first_name,
            "last_name": last_name,
            "sealed_password": sealed,
        }
        result = await self._decided(Register, given, options)
        if result.error is not None and result.error.code == Code.SEAL_INVALID:
            self.sealing_keys.forget()
        return result

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
            lambda keys, now: sign_in(
                self, keys, username, password, now=now, device_token=device_token, **options
            )
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
            lambda keys, now: refresh(self, keys, username, refresh_token, now=now, **options)
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
            lambda keys, now: sign_out(
                self, keys, username, access_token, everywhere=everywhere, now=now, **options
            )
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
            lambda keys, now: change_password(
                self, keys, username, access_token, password, new_password, now=now, **options
            )
        )

    async def _sealed(self, call: Callable[[Mapping[str, Any], datetime], Awaitable[T]]) -> T:
        keys = await self.sealing_keys.get()
        try:
            return await call(keys, self.now())
        except RefusedError as error:
            if error.error.code == Code.SEAL_INVALID:
                self.sealing_keys.forget()
            raise
