"""Strangers at the HTTP servers; a process of its own, `python -m benchmarks.crowd`, given a `Crowd` as JSON.

Connections that only stay, until it is ended, or one address that opens many accounts at once.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Sequence

import orjson
import uvloop
from pydantic import BaseModel

from benchmarks.subject import PASSWORD

STRANGER = "127.0.0.2"
"""Where they all come from; those who pay come from 127.0.0.1. Both are this machine."""

AGAIN_S = 10.0
"""A connection that was ended is opened again so much later."""

NICENESS = 19
"""In truth they have machines of their own: here they get what nobody else wants."""


class Crowd(BaseModel):
    """Who comes."""

    ports: Sequence[int]
    count: int
    """At each port."""
    said: str = ""
    """By those who stay, and then no more."""
    registers: bool = False
    """Whether each opens an account instead, once."""


async def stay(port: int, said: bytes) -> None:
    """Hold a connection open for ever."""
    while True:
        await ask(port, said)
        await asyncio.sleep(AGAIN_S)


async def ask(port: int, said: bytes) -> str:
    """Say something once; return the status of the answer, or what came instead."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(STRANGER, 0))
        writer.write(said)
        answer = await reader.read()
        writer.close()
    except OSError as error:
        return type(error).__name__
    return answer[9:12].decode() or "no answer"


def registration(number: int) -> bytes:
    """Return the whole request for one account."""
    name = f"stranger-{number}"
    names = {"first_name": "Stran", "last_name": "Ger", "email": f"{name}@example.com"}
    body = orjson.dumps({"username": name, "password": PASSWORD, **names})
    head = (
        "POST /auth/register HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def come(crowd: Crowd) -> Counter[str]:
    """Come, all at once."""
    if crowd.registers:
        requests = [registration(number) for number in range(crowd.count)]
        told = await asyncio.gather(*(ask(port, each) for port in crowd.ports for each in requests))
        return Counter(told)
    said = crowd.said.encode()
    await asyncio.gather(*(stay(port, said) for port in crowd.ports for _ in range(crowd.count)))
    return Counter()


if __name__ == "__main__":
    os.nice(NICENESS)
    print(dict(uvloop.run(come(Crowd.model_validate_json(sys.argv[1])))))
