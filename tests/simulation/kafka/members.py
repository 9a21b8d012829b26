"""A member of a consumer group as its broker sees it, and how the broker waits and answers."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

from aiokafka.errors import KafkaError

from tests.simulation.network import OUTSIDE

Held: TypeAlias = asyncio.Future[Any]
"""An answer that waits for other members."""

Protocols: TypeAlias = Sequence[tuple[str, bytes]]


class State(Enum):
    """Of a group, in Kafka's words."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(slots=True, kw_only=True)
class Member:
    """One consumer."""

    member_id: str
    protocols: Protocols
    session_s: float
    rebalance_s: float
    alive_until_s: float
    joining: Held | None = None
    syncing: Held | None = None
    assignment: bytes = b""


def now_s() -> float:
    """Return the time of the loop."""
    return asyncio.get_running_loop().time()


def later(delay_s: float, act: Callable[..., None], *with_these: Any) -> asyncio.TimerHandle:
    """Have the broker *act* later, whatever becomes of the process that it deals with."""
    return asyncio.get_running_loop().call_later(delay_s, act, *with_these, context=OUTSIDE)


def tell(held: Held | None, answer: Any) -> None:
    """Answer whoever still waits."""
    if held is not None and not held.done():
        held.set_result(answer)


def fail(held: Held, error: KafkaError) -> None:
    """Refuse whoever still waits."""
    if not held.done():
        held.set_exception(error)
        held.exception()  # whoever waited may be gone
