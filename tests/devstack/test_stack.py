"""The real servers: started, killed, restarted, used again, and gone with their process."""

import asyncio
import dataclasses
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

from devstack.addresses import Addresses
from devstack.errors import DevStackError
from devstack.ports import HOST
from devstack.stack import Stack, StackOptions, start, start_stack
from tests.devstack.contents import require_written, write
from tests.devstack.waiting import eventually, is_running
from tests.places import REPOSITORY

PECULIAR = " Zoë's data, 100 %: a;b=c #1\\u0041 $HOME 数据 "
"""What one or another program takes for something else in a path, if it is told one."""

REDIS_ONLY = StackOptions(servers=frozenset({"redis"}))

RUN_AND_WAIT = """
import json, signal
from devstack.stack import StackOptions, start_stack
stack = start_stack(StackOptions())
folder = stack.kafka.log_path.parent.parent
print(json.dumps({"pids": [server.pid for server in stack.servers.values()], "folder": str(folder)}))
import sys; sys.stdout.flush()
signal.pause()
"""


async def python(*arguments: str, **environ: str) -> tuple[Process, dict[str, Any]]:
    """Run a program of ours until it has printed its line of JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=PIPE, cwd=REPOSITORY, env=os.environ | environ
    )
    assert process.stdout is not None
    return process, json.loads(await process.stdout.readline())


def names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


async def kill_and_restart(stack: Stack) -> None:
    for server in stack.servers.values():
        before = server.pid
        server.kill()
        assert server.pid is None
        await asyncio.to_thread(server.restart)
        assert server.pid not in {None, before}


async def test_data_outlives_killed_servers_and_the_stack(tmp_path: Path) -> None:
    data = tmp_path / PECULIAR
    async with await start(StackOptions(data=data)) as stack:
        await write(stack.addresses)
        await kill_and_restart(stack)
        await require_written(stack.addresses)

    link = tmp_path / "link"
    link.symlink_to(data)
    again, addresses = await python(
        *("-m", "devstack", "--output", "json", "--data", str(link)), LC_ALL="C", LANG="C"
    )

    await require_written(Addresses(**addresses))
    again.send_signal(signal.SIGTERM)
    assert await again.wait() == 0
    assert addresses != dataclasses.asdict(stack.addresses)
    assert names_in(tmp_path) == {PECULIAR, link.name}
    assert "meta.properties" in names_in(data / "kafka" / "data")


async def test_no_server_and_no_file_outlives_a_killed_process() -> None:
    process, told = await python("-c", RUN_AND_WAIT)
    folder, pids = Path(told["folder"]), told["pids"]
    assert len(pids) == 3
    assert all(is_running(pid) for pid in pids)
    process.kill()
    await process.wait()

    await eventually(lambda: not any(is_running(pid) for pid in pids))
    await eventually(lambda: not folder.exists())


def test_a_paused_server_goes_on_where_it_was() -> None:
    with (
        start_stack(REDIS_ONLY) as stack,
        socket.create_connection((HOST, stack.redis.port), 0.2) as connection,
    ):
        stack.redis.pause()
        connection.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(64)
        stack.redis.resume()
        connection.settimeout(10)
        assert connection.recv(64) == b"+PONG\r\n"


def test_a_temporary_stack_leaves_nothing() -> None:
    with start_stack(REDIS_ONLY) as stack:
        folder = stack.redis.log_path.parent.parent
        assert folder.is_dir()

    assert not folder.exists()


def test_only_servers_asked_for_are_there() -> None:
    with start_stack(REDIS_ONLY) as stack:
        assert (stack.addresses.kafka, stack.addresses.mongodb) == ("", "")
        with pytest.raises(DevStackError, match="started without kafka"):
            _ = stack.kafka


def test_a_port_asked_for_is_used_and_one_that_is_taken_refused() -> None:
    with start_stack(REDIS_ONLY) as stack:
        taken = dataclasses.replace(REDIS_ONLY, ports={"redis": stack.redis.port})

        with pytest.raises(DevStackError, match=f"port {stack.redis.port} for redis"):
            start_stack(taken)

    with start_stack(taken) as stack:
        assert stack.redis.port == taken.ports["redis"]


def test_a_server_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    with start_stack(dataclasses.replace(REDIS_ONLY, data=tmp_path)):
        pass
    manifest = next(tmp_path.glob("redis/data/appendonlydir/*.manifest"))
    manifest.write_text("nonsense")

    with pytest.raises(DevStackError, match=r"redis ended early \(exit status 1\)") as failed:
        start_stack(dataclasses.replace(REDIS_ONLY, data=tmp_path))

    assert "AOF MANIFEST FILE ERROR" in str(failed.value)


async def test_a_cancelled_start_leaves_nothing(tmp_path: Path) -> None:
    reported: list[str] = []
    options = dataclasses.replace(REDIS_ONLY, data=tmp_path, progress=reported.append)
    starting = asyncio.create_task(start(options))
    await eventually(lambda: bool(reported))

    starting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await starting
    with start_stack(options) as stack:  # the folder is free again
        assert stack.redis.pid
