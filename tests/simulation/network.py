"""What lies between a process and a simulated server: each call has a fate."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import NoReturn, Protocol, TypeVar

Answer = TypeVar("Answer")

PROCESS: ContextVar[str] = ContextVar("PROCESS", default="outside")
"""The name of the simulated process that is running; each task it starts has inherited it."""

OUTSIDE = Context()
"""What runs in it belongs to no process: it goes on whatever becomes of them."""


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
    KILLED = "killed"
    """Nothing: the caller's process is gone before it can hear."""


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
    """Virtual time until the server hears of it: if it is not 0, the call is on its way, and has its
    effect even if whoever asked is killed, paused or cancelled meanwhile."""
    done: bool = True
    """Whether it has its effect."""
    after_s: float = 0.0
    """Virtual time from then until the caller hears."""
    said: Said = Said.ANSWER
    error: int = 0
    """Which of the call's errors, where that is what is said; behind them, if nothing is done, which
    of its refusals."""
    frozen_s: float = 0.0
    """How long the caller's process stands still before it hears, with all that is in it."""


class Fates(Protocol):
    """Decides, for a whole history, by its seed or by its script."""

    def of(self, process: str, call: Call) -> Fate:
        """Return the fate of the next call."""
        ...


class Network:
    """Carries calls to servers that live outside of every process."""

    def __init__(self, fates: Fates) -> None:
        self._fates = fates
        self.kill: Callable[[str], None] = _nobody
        """Ends a process at once."""
        self.freeze: Callable[[str, float], None] = _frozen
        """Lets a process stand still for some seconds."""

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
        if fate.said is Said.NEVER or patience_s < fate.before_s + fate.after_s + fate.frozen_s:
            async with asyncio.timeout(patience_s if patience_s < inf else None):
                return await self._asked(call, effect, fate)
        if fate.said is Said.ANSWER and fate.done and fate.before_s and not fate.frozen_s:
            return (await _arrived(effect, fate.before_s, fate.after_s))()
        return await self._asked(call, effect, fate)

    async def _asked(self, call: Call, effect: Callable[[], Answer], fate: Fate) -> Answer:
        hear: Callable[[], Answer] = _not_done
        if fate.before_s and fate.done:
            hear = await _arrived(effect, fate.before_s)
        else:
            await _pass(fate.before_s)
            if fate.done:
                hear = _done(effect)
        if fate.frozen_s:
            self.freeze(PROCESS.get(), fate.frozen_s)
        if fate.said is Said.KILLED:
            self.kill(PROCESS.get())
        if fate.after_s or fate.frozen_s or fate.said is Said.KILLED:
            await _pass(fate.after_s)
        match fate.said:
            case Said.ERROR:
                errors = call.errors if fate.done else (*call.errors, *call.refusals)
                make_error = errors[fate.error % len(errors)]
                raise make_error()
            case Said.UNFORESEEN:
                raise UnforeseenError(call.operation)
            case Said.NEVER | Said.KILLED:
                await asyncio.get_running_loop().create_future()
            case Said.ANSWER:
                pass
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


async def _arrived(
    effect: Callable[[], Answer], before_s: float, after_s: float = 0.0
) -> Callable[[], Answer]:
    """Have *effect* later, whatever becomes of the caller: what was sent arrives; hear of it *after_s*."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[Callable[[], Answer]] = loop.create_future()

    def arrive() -> None:
        hear = _done(effect)
        if after_s:
            loop.call_later(after_s, settle, hear, context=OUTSIDE)
        else:
            settle(hear)

    def settle(hear: Callable[[], Answer]) -> None:
        if not heard.done():
            heard.set_result(hear)

    loop.call_later(before_s, arrive, context=OUTSIDE)
    return await heard


def _not_done() -> NoReturn:
    raise AssertionError("who answers has done it")


def _nobody(process: str) -> None:
    raise AssertionError(f"nobody can kill {process}")


def _frozen(process: str, seconds: float) -> None:
    raise AssertionError(f"nobody can freeze {process} for {seconds} s")


async def _pass(seconds: float) -> None:
    """Let others go on, and *seconds* of virtual time pass."""
    await asyncio.sleep(seconds)
