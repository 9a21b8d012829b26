"""Golden messages as files: key, headers and value of one record each.

`python -m tests.wire.golden` writes those that are missing. It never changes one that is there: a
change of what is published is a new topic, or a new `SCHEMA` with messages of its own.
"""

import json
from pathlib import Path
from typing import Any

from tests.wire.story import Example, examples

FOLDER = Path(__file__).with_name("examples")


def written(example: Example) -> str:
    """Return what the file of *example* holds; bytes are written one character each."""
    content: dict[str, Any] = {
        "key": None if example.key is None else example.key.decode("latin-1"),
        "headers": [[name, value.decode("latin-1")] for name, value in example.record.headers],
        "value": example.record.value.decode("latin-1"),
    }
    return json.dumps(content, indent=2, ensure_ascii=True) + "\n"


def main() -> None:
    """Add what is missing."""
    for example in examples():
        path = FOLDER / example.path
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(example))


if __name__ == "__main__":
    main()
