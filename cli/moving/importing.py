"""Moves accounts in: opens each, and once that is accepted pays its balances in."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from aiokafka.errors import KafkaError

from cli.moving.account_lines import AccountToOpen, FaultyLine
from cli.moving.import_answers import ImportAnswer, answer_in
from cli.moving.import_report import ImportReport
from cli.screen.output import CliError
from client.errors import AccountsClientError, NotSentError
from client.kafka import Record
from client.many import Unpublished
from client.questions import name_of
from contracts.commands import AnyCommand

IN_HAND_MAX = 20_000
"""Accounts on their way together: some four seconds' work of the service, and 40 MB here."""

AT_ONCE_MAX = 2000
"""Lines read, and accounts paid, in one go: a tenth of a second's work."""

PATIENCE_S = 60.0
"""Longest wait while nothing is answered and Kafka takes nothing: workers restart within it."""

AGAIN_S = 1.0
"""Rest before what Kafka did not take is sent once more."""

POLL_MS = 200
"""Longest wait for answers before it is looked whether there is still a point in it."""


class ReadsAnswers(Protocol):
    """The part of `client.reader.Reader` that is needed."""

    async def poll(self, timeout_ms: int = ...) -> Sequence[Record]:
        """Return the next records; none where nothing came in time."""
        ...


class Publishes(Protocol):
    """What hands commands to Kafka."""

    async def __call__(self, commands: Sequence[AnyCommand]) -> Sequence[Unpublished]:
        """Publish *commands*; return those that Kafka may not have."""
        ...


class TakesLines(Protocol):
    """Where the accounts come from."""

    async def take(self, at_most: int) -> Sequence[AccountToOpen | FaultyLine]:
        """Return what the next lines say; none at the end."""
        ...


class ImportStoppedError(Exception):
    """It cannot go on; what was sent so far is harmless, and sent again."""


@dataclass(slots=True)
class _InHand:
    """An account on its way."""

    account: AccountToOpen
    waiting: set[str]
    """Ids of its commands on their way: of its opening, then of its deposits."""
    repeated: bool = False
    """It was opened by an earlier run."""
    refusals: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])


class Import:
    """One run.

    Deposits wait for the answer to their account's opening: where the name was somebody else's
    already, or the line was changed since it was first sent, nothing is paid to anybody.
    """

    def __init__(  # noqa: PLR0913 - what it talks to, and what it tells
        self,
        source: TakesLines,
        publish: Publishes,
        answers: ReadsAnswers,
        report: ImportReport,
        *,
        correlation_id: str,
        tell: Callable[[int], None],
        patience_s: float = PATIENCE_S,
    ) -> None:
        """*answers* reads results from before anything is published; *tell* hears how many are in hand."""
        self._source = source
        self._publish_many = publish
        self._answers = answers
        self._report = report
        self._correlation_id = correlation_id.encode()
        self._tell = tell
        self._patience_s = patience_s
        self._in_hand: dict[str, _InHand] = {}
        self._to_pay: list[_InHand] = []
        self._payable = asyncio.Event()
        self._room = asyncio.Event()
        self._all_read = False
        self._heard_at_s = 0.0

    async def run(self) -> None:
        """Move all in; what has no answer in the end is reported as unknown.

        Raises:
            ImportStoppedError: Kafka takes nothing any more, or nobody answers.
        """
        self._heard()
        try:
            async with asyncio.TaskGroup() as group:
                paying = group.create_task(self._pay())
                listening = group.create_task(self._listen())
                await self._open_all()
                await asyncio.wait([listening])
                paying.cancel()
        except* (ImportStoppedError, AccountsClientError, CliError, KafkaError) as errors:
            for each in self._in_hand.values():
                self._report.unknown(each.account.line, name_of(each.account.opening))
            raise ImportStoppedError(str(errors.exceptions[0])) from errors

    async def _open_all(self) -> None:
        while read := await self._source.take(AT_ONCE_MAX):
            self._report.counts.lines += len(read)
            openings: list[AnyCommand] = []
            for each in read:
                if isinstance(each, FaultyLine):
                    self._report.faulty(each)
                    continue
                opening = each.opening
                self._in_hand[opening.username] = _InHand(each, {opening.command_id})
                openings.append(opening)
            await self._publish(openings)
            while len(self._in_hand) > IN_HAND_MAX - AT_ONCE_MAX:
                self._room.clear()
                await self._room.wait()
        self._all_read = True

    async def _pay(self) -> None:
        while True:
            await self._payable.wait()
            accounts, self._to_pay = self._to_pay[:AT_ONCE_MAX], self._to_pay[AT_ONCE_MAX:]
            if not self._to_pay:
                self._payable.clear()
            await self._publish([one for each in accounts for one in each.account.deposits])

    async def _publish(self, commands: Sequence[AnyCommand]) -> None:
        """Hand *commands* over, again and again where Kafka may not have some of them.

        Raises:
            ImportStoppedError: It takes none any more.
        """
        left = commands
        while left:
            unpublished = await self._publish_many(left)
            taken = len(left) - len(unpublished)
            self._report.counts.sent += taken
            left = [each.command for each in unpublished]
            if taken:
                self._heard()
            if left:
                error = unpublished[0].error
                if isinstance(error, NotSentError) or self._silent():
                    raise ImportStoppedError(str(error))
                await asyncio.sleep(AGAIN_S)

    async def _listen(self) -> None:
        while self._in_hand or not self._all_read:
            for record in await self._answers.poll(POLL_MS):
                answer = answer_in(record, self._correlation_id)
                if answer is not None:
                    self._take_in(answer)
            if len(self._in_hand) <= IN_HAND_MAX - AT_ONCE_MAX:
                self._room.set()
            self._tell(len(self._in_hand))
            if not self._in_hand:
                self._heard()  # nobody is asked: a slow pipe is nobody's silence
            elif self._silent():
                raise ImportStoppedError(
                    f"no answer for {self._patience_s:g} s; do the workers run?"
                )

    def _take_in(self, answer: ImportAnswer) -> None:
        username = answer.username
        each = self._in_hand.get(username)
        if each is None or answer.command_id not in each.waiting:
            return  # said twice
        self._heard()
        each.waiting.remove(answer.command_id)
        account = each.account
        is_opening = answer.command_id == account.opening.command_id
        each.refusals += answer.refusals if is_opening else _of_deposit(account, answer)
        if is_opening and not each.refusals:
            each.repeated = answer.duplicate
            if account.deposits:
                each.waiting = {one.command_id for one in account.deposits}
                self._to_pay.append(each)
                self._payable.set()
        if not each.waiting:
            del self._in_hand[username]
            self._report.ended(account.line, each.refusals, repeated=each.repeated)

    def _heard(self) -> None:
        self._heard_at_s = asyncio.get_running_loop().time()

    def _silent(self) -> bool:
        return asyncio.get_running_loop().time() - self._heard_at_s > self._patience_s


def _of_deposit(account: AccountToOpen, answer: ImportAnswer) -> Sequence[Mapping[str, str]]:
    """Return why a deposit was refused, with its currency."""
    currency = next(
        each.currency for each in account.deposits if each.command_id == answer.command_id
    )
    return [{**refusal, "currency": currency} for refusal in answer.refusals]
