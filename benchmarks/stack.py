"""The dev stack that one run measures on."""

import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from benchmarks.subject import Service
from devstack.stack import StackOptions, start


@asynccontextmanager
async def running(console: Console) -> AsyncGenerator[tuple[Service, Mapping[str, int]]]:
    """Start the servers; yield the service on them and the servers' process ids."""
    with tempfile.TemporaryDirectory(prefix="accounts-bench-") as folder:
        async with await start(StackOptions(progress=console.log)) as stack:
            service = Service(
                kafka=stack.addresses.kafka,
                mongodb=stack.addresses.mongodb,
                redis=stack.addresses.redis,
                folder=Path(folder),
            )
            pids = {"kafka": stack.kafka.pid, "mongod": stack.mongodb.pid}
            yield service, {name: pid for name, pid in pids.items() if pid is not None}
