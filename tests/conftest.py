"""The servers that every test of the run shares, started when the first test asks for them."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from devstack.choose import Chosen, choose
from devstack.stack import StackOptions

# A shell without job control starts what it puts into the background with SIGINT ignored, which the
# programs that tests press Ctrl-C in would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says what else the machine does.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def stack() -> Iterator[Chosen]:
    """Yield the run's Kafka, MongoDB and Redis."""
    chosen = choose(os.environ, StackOptions(short_lived=True))
    try:
        yield chosen
    finally:
        chosen.stop()
