"""A gateway for each test."""

from collections.abc import Iterator

import pytest

from tests.gateway.rig import Rig, a_rig


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Yield a gateway over a fake service, and a caller."""
    with a_rig() as rig:
        yield rig
