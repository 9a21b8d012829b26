"""Servers that these tests may break, and for each test a service of its own on them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.errors import DevStackError
from devstack.machine import Machine, require_supported
from devstack.stack import Stack, StackOptions, start_stack
from tests.e2e.running import RunningService, a_service

SETTINGS = {
    "worker_session_timeout_ms": "2000",
    "worker_publish_deadline_ms": "4000",
    "worker_retry_backoff_max_ms": "1000",
    "mongodb_timeout_ms": "2000",
}
"""Shorter than the defaults, so that a test does not wait for what it provoked."""


@pytest.fixture(scope="session")
def breakable() -> Iterator[Stack]:
    """Yield servers that no other tests use: they are paused, killed and started again."""
    try:
        require_supported(Machine.this())
    except DevStackError as error:
        pytest.skip(f"faults need servers that can be killed: {error}")
    with start_stack(StackOptions(short_lived=True)) as stack:
        yield stack


@pytest.fixture
def service(by_default: RunningService) -> RunningService:
    """Return a service that waits less for what is away or gone."""
    return by_default.but(**SETTINGS)


@pytest.fixture
def by_default(breakable: Stack, tmp_path: Path) -> Iterator[RunningService]:
    """Yield a service whose topics and keys are there; no worker runs yet."""
    service = a_service(breakable.addresses, tmp_path)
    try:
        asyncio.run(service.prepare())
        yield service
    finally:
        _heal(breakable)
        for worker in service.workers:
            if worker.pid is not None:
                worker.kill()
        service.processes.close()


def _heal(stack: Stack) -> None:
    for server in stack.servers.values():
        if server.pid is None:
            server.restart()
        else:
            server.resume()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the real servers."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            for mark in (pytest.mark.kafka, pytest.mark.mongo, pytest.mark.redis):
                item.add_marker(mark)
