"""The servers that every test of the run shares, started when the first test asks for them."""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from devstack.choose import Chosen, choose
from devstack.stack import StackOptions
from tests.openid.provider import OpenIdProvider, an_openid_provider

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


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    """Yield the run's OpenID provider."""
    with an_openid_provider(tmp_path_factory.mktemp("openid") / "provider.log") as provider:
        yield provider
