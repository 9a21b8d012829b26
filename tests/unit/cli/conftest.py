"""What each test of the command line begins with."""

from collections.abc import Iterator

import pytest

from cli.screen.output import Format, choose


@pytest.fixture(autouse=True)
def usual_output() -> Iterator[None]:
    """Leave the way of printing as it was for the tests that follow."""
    yield
    choose(Format.AUTO)
