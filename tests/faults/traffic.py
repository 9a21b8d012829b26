"""Commands of many users over both partitioners, reproducible from a seed."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import orjson

from contracts.topics import DEPOSIT, REGISTER, WITHDRAW, TopicSpec
from tests.e2e.caller import open_producer
from tests.e2e.running import RunningService

HOPELESS_MINOR = 10**11
"""More than anybody here ever has."""

HOPELESS_SHARE = 0.04
REPEATED_SHARE = 0.02

MURMUR2 = "murmur2"
"""Java's partitioner, and aiokafka's."""

CRC32 = "crc32"
"""librdkafka's partitioner."""

ROAMING = "roaming"
"""Of a user whose commands come from senders of both kinds, through different partitions."""

MakeRegistration = Callable[[str, str], Mapping[str, Any]]
"""Username and command id → body."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it is sent, and what must become of it."""

    topic: TopicSpec
    username: str
    command_id: str
    value: bytes
    sender: str
    accepted: bool | None = True
    """None where it depends on which partition is read first."""
    change_minor: int = 0
    """Of the balance, if accepted."""


@dataclass
class Traffic:
    """Makes rounds of commands; each is to be acknowledged before the next is sent."""

    registration: MakeRegistration
    random: random.Random
    hopeless_share: float = HOPELESS_SHARE
    """Of withdrawals that must be refused."""
    sent: list[Command] = field(default_factory=list[Command])
    """Every record, repeats included."""
    commands: dict[str, Command] = field(default_factory=dict[str, Command])
    """Command id → command."""
    records: Counter[str] = field(default_factory=Counter[str])
    """Command id → how many records were sent with it."""
    _kinds: dict[str, str] = field(default_factory=dict[str, str])
    _sure_minor: dict[str, int] = field(default_factory=dict[str, int])
    """What each user surely has: acknowledged deposits less all withdrawals."""

    def a_round(self, *, users: int, movements: int) -> list[Command]:
        """Return registrations of new users, movements of older ones, and some repeats."""
        known = list(self._sure_minor)
        deposited: Counter[str] = Counter()
        made = [
            self._movement(self.random.choice(known), len(self.sent) + number, deposited)
            for number in range(movements if known else 0)
        ]
        made += [self._registration() for _ in range(users)]
        if self.sent:
            made += self.random.choices(self.sent, k=round(len(made) * REPEATED_SHARE))
        self.random.shuffle(made)
        for username, minor in deposited.items():
            self._sure_minor[username] += minor
        self.note(made)
        return made

    def note(self, commands: Iterable[Command]) -> None:
        """Take in that *commands* are sent."""
        for command in commands:
            self.sent.append(command)
            self.commands[command.command_id] = command
            self.records[command.command_id] += 1

    def _registration(self) -> Command:
        username = f"user-{len(self._kinds)}"
        kind = self._kinds[username] = (MURMUR2, CRC32, ROAMING)[len(self._kinds) % 3]
        self._sure_minor[username] = 0
        command_id = f"register-{username}"
        value = orjson.dumps(self.registration(username, command_id))
        return Command(REGISTER, username, command_id, value, self._sender(kind))

    def _movement(self, username: str, number: int, deposited: Counter[str]) -> Command:
        kind, sure = self._kinds[username], self._sure_minor[username]
        minor = self.random.randint(1, 10_000)
        topic, accepted = DEPOSIT, True
        if self.random.random() < self.hopeless_share:
            topic, minor, accepted = WITHDRAW, HOPELESS_MINOR, False
        elif sure > 0 and self.random.random() < 0.5:
            topic, minor = WITHDRAW, min(minor, sure)
            self._sure_minor[username] -= minor
        else:
            deposited[username] += minor
        command_id = f"{topic.name.partition('.')[2]}-{number}"
        return Command(
            topic,
            username,
            command_id,
            movement_value(command_id, username, minor),
            self._sender(kind),
            accepted=None if accepted and kind == ROAMING else accepted,
            change_minor=minor if topic is DEPOSIT else -minor,
        )

    def _sender(self, kind: str) -> str:
        return self.random.choice((MURMUR2, CRC32)) if kind == ROAMING else kind


def movement_value(command_id: str, username: str, minor: int) -> bytes:
    """Return the bytes of a deposit or withdrawal."""
    amount = f"{minor // 100}.{minor % 100:02}"
    return orjson.dumps(
        {"command_id": command_id, "username": username, "amount": amount, "currency": "USD"}
    )


def crc32_partition(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """Place a record as librdkafka does."""
    return partitions[crc32(key) % len(partitions)]


class Senders:
    """One producer of each kind."""

    def __init__(self, service: RunningService, producers: Mapping[str, Any]) -> None:
        self._service = service
        self._producers = producers

    async def send(
        self, commands: Sequence[Command], headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Publish and return once all in-sync replicas have all of them."""
        acknowledged = [
            await self._producers[command.sender].send(
                self._service.topic(command.topic),
                command.value,
                key=command.username.encode(),
                headers=headers,
            )
            for command in commands
        ]
        await asyncio.gather(*acknowledged)


@asynccontextmanager
async def open_senders(service: RunningService) -> AsyncGenerator[Senders]:
    """Open both producers."""
    async with (
        open_producer(service) as murmur2,
        open_producer(service, partitioner=crc32_partition) as librdkafka,
    ):
        yield Senders(service, {MURMUR2: murmur2, CRC32: librdkafka})
