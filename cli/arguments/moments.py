"""Moments as people write them: as in messages, or how long ago."""

import re
from datetime import datetime, timedelta

from cli.screen.output import CliError

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(said: str, now: datetime) -> datetime:
    """Return the moment that *said* means.

    Raises:
        CliError: It means none, or one without a time zone.
    """
    if ago := _AGO.fullmatch(said):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CliError(
            f"{said} is no time: write it like 2030-01-01T12:00:00Z, or 2h for 2 hours ago"
        )
    return at
