"""Reads every message into its generated model and writes it again: `round_trip.py MESSAGES`."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = "accounts_models"


def model(name: str) -> Any:
    """Return the generated model, which has a module of its own."""
    module = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return getattr(import_module(f"{PACKAGE}.{module}"), name)


if __name__ == "__main__":
    messages = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    read = [model(each["model"]).model_validate(each["value"]) for each in messages]
    written = [each.model_dump(mode="json", by_alias=True, exclude_unset=True) for each in read]
    sys.stdout.write(json.dumps(written))
