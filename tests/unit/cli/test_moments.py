"""Moments as operators write them."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.arguments.moments import moment
from cli.screen.output import CliError

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "ago"),
    [
        ("2030-01-01T11:59:00Z", timedelta(minutes=1)),
        ("2030-01-01T13:59:00+02:00", timedelta(minutes=1)),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
    ],
)
def test_a_moment_is_a_time_or_how_long_ago(said: str, ago: timedelta) -> None:
    assert moment(said, NOON) == NOON - ago


@pytest.mark.parametrize("said", ["", "yesterday", "2h ago", "-2h", "2030-01-01T12:00:00", "12:00"])
def test_anything_else_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(CliError, match="write it like"):
        moment(said, NOON)
