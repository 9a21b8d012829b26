"""Holds everything that was published and stored against what was sent (P2 to P5)."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.e2e.cli_process import Program
from tests.e2e.inbox import Inbox, Message
from tests.e2e.running import RunningService
from tests.faults.stored import read_stored
from tests.faults.traffic import Traffic

SETTLED_MAX_S = 90.0
"""Far more than a backlog of this size takes, restarts included, on a busy machine."""

LATE_STATES_MAX_S = 30.0
"""Several times the republish delay that these tests set."""


async def eventually(
    condition: Callable[[], bool],
    what: str,
    within_s: float,
    show: Callable[[], object] = lambda: None,
) -> None:
    """Wait until *condition* holds, asked again and again; what *show* returns is told if not."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {within_s} s in vain: {what}; {show()}"
        await asyncio.sleep(0.25)  # asking is not for nothing: it goes through all that arrived


@dataclass
class Books:
    """What the service said about a traffic, read when all of it is said."""

    service: RunningService
    inbox: Inbox
    traffic: Traffic
    again: int = 0
    """Answers to every record besides its first: how often all offsets were set back."""

    async def settle(self, within_s: float = SETTLED_MAX_S) -> None:
        """Wait until every record is answered and every accepted movement has its events (P4)."""
        wanted = self.traffic.records
        answered = self.inbox.answered
        await eventually(
            lambda: all(
                answered[name] >= count * (1 + self.again) for name, count in wanted.items()
            ),
            "every record is answered",
            within_s,
        )
        moved = {name for name in wanted if self._accepted(name) and self._moves(name)}

        def not_told() -> set[str]:
            return moved ^ {event.body["command_id"] for event in self.inbox.balance_events()}

        await eventually(
            lambda: not not_told(),
            "every accepted movement has its event, and nothing else has",
            within_s,
            not_told,
        )
        await eventually(
            lambda: (
                {event.body["command_id"] for event in self.inbox.audit_events()} == set(wanted)
            ),
            "every command has its audit event",
            within_s,
        )

    async def check(self) -> None:
        """Check every promise that can be read off the topics and the database."""
        await self.settle()
        self.check_answers()
        self.check_events()
        await asyncio.to_thread(self.check_store)
        await self.check_states()
        await asyncio.to_thread(verify, self.service)

    def check_answers(self) -> None:
        """P3: the same question, the same answer; and the one that the sender must get (P1)."""
        for command_id, command in self.traffic.commands.items():
            answers = self.inbox.answers(command_id)
            first = [one for one in answers if not one.body["duplicate"]]
            repeats = [one for one in answers if one.body["duplicate"]]
            assert len({one.value for one in first}) == 1, [one.value for one in first]
            assert len({one.value for one in repeats}) <= 1, [one.value for one in repeats]
            assert bool(repeats) == (self.traffic.records[command_id] > 1), command
            for one in repeats:
                assert one.body | {"duplicate": False} == first[0].body
            if command.accepted is not None:
                assert self._accepted(command_id) == command.accepted, (command, first[0].body)

    def check_events(self) -> None:
        """P5: 1, 2, 3 … in order of first appearance; repeats with the same key and value."""
        for username, events in by_key(self.inbox.balance_events()).items():
            assert len({event.partition for event in events}) == 1
            first = _same_again(events, "sequence")
            assert list(first) == list(range(1, len(first) + 1)), (username, list(first))
        for events in by_key(self.inbox.audit_events()).values():
            _same_again(events, "event_id")

    def check_store(self) -> None:
        """P2, P13: one outcome per command, balances as the accepted results say, houses their other side."""
        stored = read_stored(self.service)
        commands = self.traffic.commands.values()
        assert set(stored.outcomes) == {f"{one.username}:{one.command_id}" for one in commands}
        for command in commands:
            outcome = stored.outcomes[f"{command.username}:{command.command_id}"]
            answer = self.inbox.answers(command.command_id)[0].body
            assert answer.get("error", {}).get("code") == outcome.get("code")
            assert answer.get("entry", {}).get("sequence") == outcome.get("sequence")
        assert stored.posted_minor == self.expected_minor
        assert stored.books_minor == 0, "P13"
        assert stored.hashes.keys() == stored.posted_minor.keys()

    async def check_states(self) -> None:
        """The compacted topic ends with the latest state of every account."""
        latest = {
            username: events[-1].body
            for username, events in by_key(
                sorted(self.inbox.balance_events(), key=lambda event: event.body["sequence"])
            ).items()
        }

        def all_last() -> bool:
            last = {message.key: message for message in self.inbox.states()}
            return all(
                last[name.encode()].body["sequence"] == event["sequence"]
                and last[name.encode()].body["balances"] == event["balances"]
                for name, event in latest.items()
            )

        await eventually(all_last, "the latest state is the last", LATE_STATES_MAX_S)

    @cached_property
    def expected_minor(self) -> Mapping[str, int]:
        """Username → what the accepted results add up to."""
        sums: Counter[str] = Counter()
        for command_id, command in self.traffic.commands.items():
            if self._accepted(command_id):
                sums[command.username] += command.change_minor
        return sums

    def _accepted(self, command_id: str) -> bool:
        return self.inbox.answers(command_id)[0].body["status"] == "accepted"

    def _moves(self, command_id: str) -> bool:
        return self.traffic.commands[command_id].change_minor != 0


def by_key(messages: Iterable[Message]) -> Mapping[str, list[Message]]:
    """Return the messages of each key, in order."""
    found: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        assert message.key is not None
        found[message.key.decode()].append(message)
    return found


def _same_again(messages: Iterable[Message], name: str) -> Mapping[Any, Message]:
    """Return the first message with each value of field *name*; all others must be equal to it."""
    first: dict[Any, Message] = {}
    for message in messages:
        known = first.setdefault(message.body[name], message)
        assert (known.key, known.value) == (message.key, message.value)
        assert known.headers == message.headers
    return first


def verify(service: RunningService) -> None:
    """Have `accounts verify --topic` find nothing."""
    program = Program(service.folder, service.environ)
    done = program.run("verify", "--topic", "--output", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["verified"] is True
