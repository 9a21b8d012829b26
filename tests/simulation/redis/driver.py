"""What stands in for redis-py's asyncio client, as far as `storage.redis` asks for it."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from redis.asyncio import Redis
from redis.driver_info import DriverInfo
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
)
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
)
from redis.exceptions import (
    TimeoutError as RedisTimeoutError,
)

from storage.redis import RedisOptions
from tests.simulation.network import Call, Network
from tests.simulation.redis.server import RedisServer, refusals

SERVER = "redis"

LIBRARY = DriverInfo(name="redis-py", lib_version="simulated")
"""What the library would look up anew, in the files of its installation, for each client."""


def connecting(server: RedisServer, network: Network) -> Callable[[RedisOptions], "DriverRedis"]:
    """Return what connects to *server*, in the place of `storage.redis.connect`."""
    return lambda options: DriverRedis(server, network, options)


class DriverRedis(Redis):
    """The library's client, of which each command goes to the simulated server."""

    def __init__(self, server: RedisServer, network: Network, options: RedisOptions) -> None:
        super().__init__(host="simulated", driver_info=LIBRARY)  # pyright: ignore[reportUnknownMemberType]
        self._server = server
        self._network = network
        self._timeout_s = options.timeout_ms / 1000

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command, once, and return the answer as the library reads it.

        Raises:
            RedisError: As redis-py raises it.
        """
        try:
            answer = await self._network.ask(
                _call(str(args[0])),
                lambda: self._server.answer(args),
                patience_s=self._timeout_s,
            )
        except TimeoutError:
            raise RedisTimeoutError("Timeout reading from simulated:6379") from None
        callbacks: Any = self.response_callbacks
        read = callbacks.get(str(args[0]))
        return answer if read is None else read(answer, **options)


@cache
def _call(operation: str) -> Call:
    errors: Sequence[Callable[[], Exception]] = (
        lambda: RedisConnectionError("Connection closed by server."),
        lambda: RedisTimeoutError("Timeout reading from simulated:6379"),
        lambda: OSError(104, "Connection reset by peer"),
    )
    return Call(
        server=SERVER,
        operation=operation,
        errors=errors,
        refusals=(
            lambda: RedisConnectionError("Error 111 connecting to simulated:6379."),
            lambda: BusyLoadingError("Redis is loading the dataset in memory"),
            lambda: AuthenticationError("invalid username-password pair or user is disabled."),
            lambda: NoPermissionError("this user has no permissions to run the command"),
            *refusals(),
        ),
    )
