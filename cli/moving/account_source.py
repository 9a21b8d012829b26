"""Where an import's accounts come from: lines, checked, each username once, hashes sealed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cli.moving.account_lines import AccountToOpen, FaultyLine, read_account
from cli.moving.lines import Lines
from cli.moving.usernames_seen import UsernamesSeen
from client.sealing import seal
from contracts.registration import Register
from contracts.sealing import Purpose

FetchKey = Callable[[], Awaitable[Mapping[str, Any]]]


class AccountSource:
    """Reads, checks and seals in a thread, so that answers are taken in meanwhile."""

    def __init__(
        self,
        lines: Lines,
        name: str,
        seen: UsernamesSeen,
        *,
        fetch_key: FetchKey | None,
        clock: Callable[[], datetime],
    ) -> None:
        """*fetch_key* is asked for the key to seal to when the first hash comes; None seals nothing."""
        self.lines = lines
        self._name = name
        self._seen = seen
        self._fetch_key = fetch_key
        self._key: Mapping[str, Any] | None = None
        self._clock = clock

    async def take(self, at_most: int) -> Sequence[AccountToOpen | FaultyLine]:
        """Return what the next lines say; none at the end."""
        read = await asyncio.to_thread(self._read, at_most)
        if self._fetch_key is None or not any(_has_hash(each) for each in read):
            return read
        if self._key is None:
            self._key = await self._fetch_key()
        return await asyncio.to_thread(self._all_sealed, read, self._key)

    def _read(self, at_most: int) -> list[AccountToOpen | FaultyLine]:
        return [*self._each(at_most)]

    def _each(self, at_most: int) -> Iterator[AccountToOpen | FaultyLine]:
        for line in self.lines.take(at_most):
            read = read_account(line, self._name)
            if isinstance(read, AccountToOpen):
                first = self._seen.first_line(read.opening.username, line.number)
                if first != line.number:
                    yield _repeated(line.number, first)
                    continue
            yield read

    def _all_sealed(
        self, read: Sequence[AccountToOpen | FaultyLine], key: Mapping[str, Any]
    ) -> list[AccountToOpen | FaultyLine]:
        now = self._clock()
        return [
            _sealed(each, key, now) if isinstance(each, AccountToOpen) else each for each in read
        ]


def _has_hash(read: AccountToOpen | FaultyLine) -> bool:
    return isinstance(read, AccountToOpen) and read.password_hash is not None


def _repeated(line: int, first: int) -> FaultyLine:
    detail = f"Line {first} has the same username; this one was left out."
    return FaultyLine(line, [{"field": "username", "problem": "repeated", "detail": detail}])


def _sealed(account: AccountToOpen, key: Mapping[str, Any], now: datetime) -> AccountToOpen:
    opening = account.opening
    if account.password_hash is None:
        return account
    assert isinstance(opening, Register)
    sealed = seal(
        account.password_hash,
        key=key,
        purpose=Purpose.REGISTER_HASH,
        command_id=opening.command_id,
        username=opening.username,
        issued_at=now,
    )
    return account._replace(
        opening=opening.model_copy(update={"sealed_password": sealed}), password_hash=None
    )
