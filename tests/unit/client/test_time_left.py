"""What the keys to seal to take of a call's time is not there for its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from client.errors import RefusedError
from client.key_set import SealingKeys
from client.sealing import ReplyKeyPair
from tests.unit.client.test_calls import Service, refusing


class SlowKeys(SealingKeys):
    """Take half of whatever time there is; how much that was is kept."""

    def __init__(self) -> None:
        super().__init__({"keys": [{**ReplyKeyPair().public, "use": "enc"}]})
        self.within_s = 0.0

    async def get(self, within_s: float = 0) -> Mapping[str, Any]:
        self.within_s = within_s
        await asyncio.sleep(within_s / 2)
        return await super().get()


class SealingService(Service):
    """Answers that it is too late."""

    def __init__(self) -> None:
        super().__init__(refusing("expired"))
        self.keys = SlowKeys()

    @property
    def sealing_keys(self) -> SealingKeys:
        return self.keys


@pytest.mark.parametrize("kind", ["open", "register", "login"])
async def test_that_the_keys_took_is_not_there_for_the_answer(kind: str) -> None:
    service = SealingService()
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "open": lambda: service.open("alice", claim="c" * 43, timeout_s=0.2),
        "register": lambda: service.register(
            "alice",
            "a password",
            email="a@b.example",
            first_name="A",
            last_name="B",
            timeout_s=0.2,
        ),
        "login": lambda: service.login("alice", "a password", timeout_s=0.2),
    }

    with pytest.raises(RefusedError):
        await calls[kind]()

    # Half of what is left, as a lost answer is asked for once more.
    assert service.keys.within_s == 0.2
    assert 0 <= service.timeouts[0] <= 0.05
