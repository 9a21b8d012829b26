"""What lies between a process and a simulated server: each call has a fate."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, ContextVar
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NoReturn, Protocol, TypeVar

Answer = TypeVar("Answer")

PROCESS: ContextVar[str] = ContextVar("PROCESS", default="outside")
"""The name of the simulated process that is running; each task it starts has inherited it."""


class UnforeseenError(Exception):
    """What no library documents: a bug of ours, or of one of theirs."""


class Said(Enum):
    """What the caller hears."""

    ANSWER = "answer"
    ERROR = "error"
    """One that the library may raise for this call, whether or not the call had its effect."""
    UNFORESEEN = "unforeseen"
    NEVER = "never"
    """Nothing, until the caller's own patience ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a server."""

    server: str
    """`kafka`, `mongodb` or `redis`."""
    operation: str
    """As the server calls it, such as `produce` or `commitTransaction`."""
    errors: Sequence[Callable[[], Exception]]
    """What the library may raise for it, each made anew, the most ordinary first."""
    refusals: Sequence[Callable[[], Exception]] = ()
    """What it raises only where nothing was done: the server said so, and the caller may count on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one call."""

    before_s: float = 0.0
    """Virtual time until the server hears of it."""
    done: bool = True
    """Whether it has its effect."""
    after_s: float = 0.0
    """Virtual time from then until the caller hears."""
    said: Said = Said.ANSWER
    error: int = 0
    """Which of the call's errors, where that is what is said; behind them, if nothing is done, which
    of its refusals."""


class Fates(Protocol):
    """Decides, for a whole history, by its seed or by its script."""

    def of(self, process: str, call: Call) -> Fate:
        """Return the fate of the next call."""
        ...


class Network:
    """Carries calls to servers that live outside of every process."""

    def __init__(self, fates: Fates) -> None:
        self._fates = fates

    async def ask(
        self, call: Call, effect: Callable[[], Answer], *, patience_s: float = inf
    ) -> Answer:
        """Have *effect* happen at the server, and return what it returns or raise what it raises.

        *effect* waits for nothing: it is one moment at the server. What it raises is the server's
        own refusal, which the caller hears like an answer. Who has no more patience is gone before
        it: the effect of what was sent comes all the same, even if its process ends meanwhile.

        Raises:
            TimeoutError: There was no answer within *patience_s*.
            Exception: One of the call's errors, or `UnforeseenError`.
        """
        fate = self._fates.of(PROCESS.get(), call)
        left_s = patience_s - fate.before_s
        if left_s < 0:
            if fate.done:
                loop = asyncio.get_running_loop()
                loop.call_later(fate.before_s, _happen, effect, context=Context())
            await _give_up(patience_s)
        if fate.before_s:
            await _pass(fate.before_s)
        hear = _done(effect) if fate.done else _not_done
        if fate.said is Said.NEVER or fate.after_s > left_s:
            await _give_up(left_s)
        await _pass(fate.after_s)
        match fate.said:
            case Said.ERROR:
                errors = call.errors if fate.done else (*call.errors, *call.refusals)
                make_error = errors[fate.error % len(errors)]
                raise make_error()
            case Said.UNFORESEEN:
                raise UnforeseenError(call.operation)
            case _:
                return hear()


def _done(effect: Callable[[], Answer]) -> Callable[[], Answer]:
    """Have *effect* happen now, and return what says later what it returned or raised."""
    try:
        answer = effect()
    except Exception as error:  # noqa: BLE001 - a server's refusal travels as an answer
        refused = error

        def refuse() -> NoReturn:
            raise refused

        return refuse
    return lambda: answer


def _not_done() -> NoReturn:
    raise AssertionError("who answers has done it")


def _happen(effect: Callable[[], object]) -> None:
    with suppress(Exception):  # nobody hears the server's refusal any more
        effect()


async def _give_up(seconds: float) -> NoReturn:
    """Wait for an answer that does not come.

    Raises:
        TimeoutError: It has not come; never, where patience has no end.
    """
    if seconds == inf:
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(seconds)
    raise TimeoutError


async def _pass(seconds: float) -> None:
    """Let others go on, and *seconds* of virtual time pass."""
    await asyncio.sleep(seconds)
