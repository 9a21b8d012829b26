"""A gateway for each test."""

from collections.abc import Iterator

import pytest

from tests.gateway.gateway_in_memory import GatewayInMemory, gateway_in_memory


@pytest.fixture
def in_memory() -> Iterator[GatewayInMemory]:
    """Yield a gateway over a fake service, and a caller."""
    with gateway_in_memory() as in_memory:
        yield in_memory
