"""The commands that every scenario sends: who moves how much, reproducible from a seed."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, TypeAlias

from aiokafka import partitioner

CURRENCY = "USD"

MURMUR2: Callable[[bytes], int] = getattr(partitioner, "murmur2")  # noqa: B009 - it is untyped

Shape: TypeAlias = Literal["uniform", "hot", "zipf"]

HOT_SHARE = 0.9
"""Of the traffic of the hot shape: what one user gets; the rest is spread evenly."""

ZIPF_S = 1.1
"""Weight of the user at rank r is r**-s; about what orders per customer look like."""


@dataclass(frozen=True, slots=True)
class Command:
    """One deposit, withdrawal or question, ready to be sent."""

    topic: Literal["deposit", "withdraw", "get-balance"]
    user: int
    value: bytes


def username(user: int) -> str:
    """Return the name of the *user*-th user."""
    return f"user-{user:06d}"


def partition_of(key: bytes, partitions: int) -> int:
    """Return where Kafka's default partitioner puts *key*: murmur2, made positive, modulo."""
    return (MURMUR2(key) & 0x7FFFFFFF) % partitions


def movement(command_id: str, user: int, amount_minor: int) -> bytes:
    """Return the body of a deposit or withdrawal."""
    return (
        f'{{"command_id":"{command_id}","username":"{username(user)}",'
        f'"amount":"{amount_minor // 100}.{amount_minor % 100:02d}","currency":"{CURRENCY}"}}'
    ).encode()


def users_of(shape: Shape, *, users: int, count: int, rng: random.Random) -> Sequence[int]:
    """Return who sends each of *count* commands."""
    everyone = range(users)
    match shape:
        case "uniform":
            return rng.choices(everyone, k=count)
        case "hot":
            return [0 if rng.random() < HOT_SHARE else rng.randrange(users) for _ in range(count)]
        case "zipf":
            weights = list(accumulate((rank + 1) ** -ZIPF_S for rank in everyone))
            return rng.choices(everyone, cum_weights=weights, k=count)


def movements(shape: Shape, *, users: int, count: int, name: str) -> Iterator[Command]:
    """Yield *count* mixed deposits and withdrawals of 1.00 to 99.99; *name* seeds and names them.

    Both kinds have the same mean, so that a large first deposit covers every withdrawal.
    """
    rng = random.Random(name)
    for number, user in enumerate(users_of(shape, users=users, count=count, rng=rng)):
        value = movement(f"{name}-{number}", user, rng.randint(100, 9999))
        yield Command("deposit" if rng.random() < 0.5 else "withdraw", user, value)


def questions(*, users: int, count: int, name: str) -> Iterator[Command]:
    """Yield *count* questions for the balance of anybody; *name* seeds and names them."""
    rng = random.Random(name)
    for number in range(count):
        user = rng.randrange(users)
        value = f'{{"request_id":"{name}-{number}","username":"{username(user)}"}}'.encode()
        yield Command("get-balance", user, value)
