"""How log lines look: one line each, text for people or JSON for machines."""

import json
import logging
from typing import Literal

from typing_extensions import override

from contracts.message import rfc3339
from workers.clock import utc_now
from workers.monitoring.log_repeats import RepeatFilter
from workers.monitoring.redaction import cleaned, redact

QUIET = {
    "aiokafka": logging.ERROR,  # it warns of what it retries, and logs every rebalance in full
    "faststream": logging.WARNING,
    "uvicorn": logging.WARNING,
    "pymongo": logging.WARNING,
}
"""Libraries whose usual news would hide ours."""


class TextFormatter(logging.Formatter):
    """Time, level, name and message."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with secrets in addresses hidden."""
        line = f"{rfc3339(utc_now())} {record.levelname:<7} {record.name}  {cleaned(record.getMessage())}"
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return redact(line)


class JsonFormatter(logging.Formatter):
    """One object per line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the object, with secrets in addresses hidden."""
        body = {
            "at": rfc3339(utc_now()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            body["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(body)


def set_up_logging(level: str, form: Literal["text", "json"]) -> None:
    """Send everything at *level* and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, logging.getLogger().level))
