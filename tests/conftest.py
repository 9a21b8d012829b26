"""The servers that every test of the run shares, started when the first test asks for them."""

import os
from collections.abc import Iterator

import pytest

from devstack.choose import Chosen, choose
from devstack.stack import StackOptions


@pytest.fixture(scope="session")
def stack() -> Iterator[Chosen]:
    """Yield the run's Kafka, MongoDB and Redis."""
    chosen = choose(os.environ, StackOptions(short_lived=True))
    try:
        yield chosen
    finally:
        chosen.stop()
