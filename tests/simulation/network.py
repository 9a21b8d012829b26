"""What lies between a process and a simulated server: each call has a fate."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

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
    """Which of the call's errors, where that is what is said."""
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

    async def ask(self, call: Call, effect: Callable[[], Answer]) -> Answer:
        """Have *effect* happen at the server, and return what it returns or raise what it raises.

        *effect* waits for nothing: it is one moment at the server. What it raises is the server's
        own refusal, which the caller hears like an answer.

        Raises:
            Exception: One of the call's errors, or `UnforeseenError`.
        """
        fate = self._fates.of(PROCESS.get(), call)
        answer: Answer | None = None
        refused: Exception | None = None
        if fate.before_s and fate.done:
            answer, refused = await _arrived(effect, fate.before_s)
        else:
            await _pass(fate.before_s)
            if fate.done:
                answer, refused = _outcome(effect)
        if fate.frozen_s:
            self.freeze(PROCESS.get(), fate.frozen_s)
        if fate.said is Said.KILLED:
            self.kill(PROCESS.get())
        await _pass(fate.after_s)
        match fate.said:
            case Said.ANSWER:
                assert fate.done, "who answers has done it"
            case Said.ERROR:
                make_error = call.errors[fate.error % len(call.errors)]
                raise make_error()
            case Said.UNFORESEEN:
                raise UnforeseenError(call.operation)
            case Said.NEVER | Said.KILLED:
                await asyncio.get_running_loop().create_future()
        if refused is not None:
            raise refused
        return answer  # pyright: ignore[reportReturnType]


def _nobody(process: str) -> None:
    raise AssertionError(f"nobody can kill {process}")


def _frozen(process: str, seconds: float) -> None:
    raise AssertionError(f"nobody can freeze {process} for {seconds} s")


def _outcome(effect: Callable[[], Answer]) -> tuple[Answer | None, Exception | None]:
    try:
        return effect(), None
    except Exception as error:  # noqa: BLE001 - a server's refusal travels as an answer
        return None, error


async def _arrived(
    effect: Callable[[], Answer], after_s: float
) -> tuple[Answer | None, Exception | None]:
    """Have *effect* later, whatever becomes of the caller: what was sent arrives."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[tuple[Answer | None, Exception | None]] = loop.create_future()

    def arrive() -> None:
        outcome = _outcome(effect)
        if not heard.done():
            heard.set_result(outcome)

    loop.call_later(after_s, arrive, context=Context())
    return await heard


async def _pass(seconds: float) -> None:
    """Let others go on, and *seconds* of virtual time pass."""
    await asyncio.sleep(seconds)
