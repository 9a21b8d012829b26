"""A service of its own for each test module that asks for one, with one worker and a caller.

A module that defines `SETTINGS` gets its worker with these settings. Its tests share one event
loop: `pytestmark` needs `pytest.mark.asyncio(loop_scope="module")`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import pytest
import pytest_asyncio

from devstack.choose import Chosen
from tests.e2e.caller import Caller, open_caller
from tests.e2e.running import RunningService, a_service


@pytest.fixture(scope="module")
def installed(
    request: pytest.FixtureRequest, stack: Chosen, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningService]:
    """Yield a service whose topics and keys are there; no worker runs yet."""
    module = cast("Any", request).module
    settings: dict[str, str] = getattr(module, "SETTINGS", {})
    service = a_service(stack.addresses, tmp_path_factory.mktemp("service"), **settings)
    try:
        asyncio.run(service.prepare())
        yield service
    finally:
        service.processes.close()


@pytest.fixture(scope="module")
def service(installed: RunningService) -> RunningService:
    """Return a service with one worker that is ready."""
    installed.start_worker()
    return installed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def caller(service: RunningService) -> AsyncIterator[Caller]:
    """Yield a sender with an inbox that has everything from the beginning."""
    async with open_caller(service) as caller:
        yield caller


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs the real servers."""
    for item in items:
        fixtures: Any = getattr(item, "fixturenames", ())
        if "stack" in fixtures:
            for mark in (pytest.mark.kafka, pytest.mark.mongo, pytest.mark.redis):
                item.add_marker(mark)
