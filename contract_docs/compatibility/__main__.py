"""`make compat`: say what today's contract breaks of the one in the file named, and fail if it does."""

import sys
from pathlib import Path
from typing import Any

import yaml

from contract_docs.compatibility.documents import breaks
from contract_docs.document import document


def read(path: Path) -> Any:
    """Return the document in *path*."""
    # libyaml's loader: the other takes a second more.
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def main(released: Path) -> int:
    """Print a sentence for each break of what is *released*; return the exit code."""
    found = breaks(read(released), document())
    for each in found:
        sys.stderr.write(f"{each.sentence}\n")
    if found:
        sys.stderr.write(
            f"{len(found)} in all, against {released}. Publish it beside the old instead, as a new "
            "optional field or a new topic; before 1.0 you may also say so in CHANGELOG.md and run "
            "`make release-contract`.\n"
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
