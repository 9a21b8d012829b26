"""One Redis server in memory: exactly the commands and scripts that are used."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, TypeAlias

from redis.asyncio.lock import Lock
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError

Words: TypeAlias = Sequence[Any]
Command: TypeAlias = Callable[["RedisServer", Words], Any]

_SECOND_MS = 1000
_NO_KEY, _NO_EXPIRY = -2, -1


class NotInRedisError(Exception):
    """The simulated server lacks this: whoever needs it adds it, as the real one has it."""


@dataclass(slots=True)
class _Kept:
    value: bytes
    expires_at_ms: float | None


class RedisServer:
    """What it keeps may be gone at any time, which is why nothing that matters is kept there."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._kept: dict[bytes, _Kept] = {}
        self._scripts: set[str] = set()
        self.asked: Counter[str] = Counter()
        """How many commands it was asked, by name."""
        self.is_full = False
        """Whether it has no memory for anything more."""
        self.is_replica = False
        """Whether it only reads: another one is the primary by now."""

    def answer(self, words: Words) -> Any:
        """Do what a command says, and return the answer as the server sends it.

        Raises:
            ResponseError: Refused.
            NotInRedisError: It is none that anybody needed yet.
        """
        name = str(words[0])
        self.asked[name] += 1
        if name not in _COMMANDS:
            raise NotInRedisError(f"the command {name}")
        return _COMMANDS[name](self, words[1:])

    def restart(self) -> None:
        """Come back with nothing: neither keys nor scripts."""
        self._kept.clear()
        self._scripts.clear()

    def flush(self) -> None:
        """Forget every key."""
        self._kept.clear()

    def keys(self) -> Sequence[str]:
        """Return the keys that are there now."""
        return [key.decode() for key in list(self._kept) if self.found(key) is not None]

    def found(self, key: Any) -> _Kept | None:
        """Return what is kept under a key, if its time is not over."""
        name = _bytes(key)
        kept = self._kept.get(name)
        if kept is None or kept.expires_at_ms is None or kept.expires_at_ms > self._now_ms():
            return kept
        del self._kept[name]
        return None

    def put(self, key: Any, value: Any, ttl_ms: int | None) -> None:
        """Keep a value.

        Raises:
            ResponseError: It has no memory left, or only reads.
        """
        self._writable()
        if self.is_full:
            raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")
        expires_at_ms = None if ttl_ms is None else self._now_ms() + ttl_ms
        self._kept[_bytes(key)] = _Kept(_bytes(value), expires_at_ms)

    def remove(self, key: Any) -> int:
        """Forget a key; return how many that were."""
        self._writable()
        return 0 if self.found(key) is None or self._kept.pop(_bytes(key), None) is None else 1

    def expire(self, key: Any, ttl_ms: int) -> int:
        """Have a key's time end; return how many that were."""
        self._writable()
        kept = self.found(key)
        if kept is None:
            return 0
        kept.expires_at_ms = self._now_ms() + ttl_ms
        return 1

    def ttl_ms(self, key: Any) -> int:
        """Return what is left of a key's time, as `PTTL` says it."""
        kept = self.found(key)
        if kept is None:
            return _NO_KEY
        return (
            _NO_EXPIRY if kept.expires_at_ms is None else int(kept.expires_at_ms - self._now_ms())
        )

    def load(self, script: str) -> str:
        """Learn a script; return what it is called by.

        Raises:
            NotInRedisError: It is none whose effect is known here.
        """
        digest = _digest(script)
        if digest not in _SCRIPTS:
            raise NotInRedisError(f"the script {script.strip()[:60]!r}")
        self._scripts.add(digest)
        return digest

    def forget_scripts(self) -> None:
        """Forget every script: whoever calls one is told so."""
        self._scripts.clear()

    def run(self, digest: str, keys: Words, arguments: Words) -> int:
        """Run a script that was loaded.

        Raises:
            ResponseError: It was not.
        """
        if digest not in self._scripts:
            raise NoScriptError("No matching script. Please use EVAL.")
        return _SCRIPTS[digest](self, keys[0], arguments)

    def _now_ms(self) -> float:
        return self._now_s() * _SECOND_MS

    def _writable(self) -> None:
        if self.is_replica:
            raise ReadOnlyError("You can't write against a read only replica.")


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _set(server: RedisServer, words: Words) -> bytes | None:
    key, value, *options = words
    ttl_ms, is_new_only = None, False
    rest = iter(options)
    for option in rest:
        if option == "PX":
            ttl_ms = int(next(rest))
        elif option == "NX":
            is_new_only = True
        else:
            raise NotInRedisError(f"the option {option} of SET")
    if is_new_only and server.found(key) is not None:
        return None
    server.put(key, value, ttl_ms)
    return b"OK"


def _get(server: RedisServer, words: Words) -> bytes | None:
    kept = server.found(words[0])
    return None if kept is None else kept.value


def _run(server: RedisServer, words: Words) -> int:
    digest, count, *rest = words
    return server.run(digest, rest[: int(count)], rest[int(count) :])


def _load(server: RedisServer, words: Words) -> bytes:
    script = words[0]
    return server.load(script.decode() if isinstance(script, bytes) else script).encode()


def _forget_scripts(server: RedisServer, _: Words) -> bytes:
    server.forget_scripts()
    return b"OK"


def _flush(server: RedisServer, _: Words) -> bytes:
    server.flush()
    return b"OK"


def _holds(server: RedisServer, key: Any, token: Any) -> bool:
    kept = server.found(key)
    return kept is not None and kept.value == _bytes(token)


def _release(server: RedisServer, key: Any, arguments: Words) -> int:
    return server.remove(key) if _holds(server, key, arguments[0]) else 0


def _reacquire(server: RedisServer, key: Any, arguments: Words) -> int:
    token, ttl_ms = arguments
    return server.expire(key, int(ttl_ms)) if _holds(server, key, token) else 0


def _digest(script: str) -> str:
    return sha1(script.encode(), usedforsecurity=False).hexdigest()


_SCRIPTS: Mapping[str, Callable[[RedisServer, Any, Words], int]] = {
    _digest(Lock.LUA_RELEASE_SCRIPT): _release,
    _digest(Lock.LUA_REACQUIRE_SCRIPT): _reacquire,
}
"""The effects of the library's scripts, by what they are called by."""

_COMMANDS: Mapping[str, Command] = {
    "DEL": lambda server, words: sum(server.remove(key) for key in words),
    "EVALSHA": _run,
    "EXISTS": lambda server, words: sum(server.found(key) is not None for key in words),
    "FLUSHALL": _flush,
    "GET": _get,
    "PEXPIRE": lambda server, words: server.expire(words[0], int(words[1])),
    "PING": lambda _server, _words: b"PONG",
    "PTTL": lambda server, words: server.ttl_ms(words[0]),
    "SCRIPT FLUSH": _forget_scripts,
    "SCRIPT LOAD": _load,
    "SET": _set,
}
"""By the names that redis-py has for them."""


def refusals() -> Sequence[Callable[[], ResponseError]]:
    """Return what the server may refuse any command with, nothing of it done."""
    return (
        lambda: OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        lambda: ReadOnlyError("You can't write against a read only replica."),
        lambda: ResponseError("unknown command"),
    )
