"""Where `make dist` leaves what."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.places import REPOSITORY

PROJECT: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
VERSION: str = PROJECT["project"]["version"]


@dataclass(frozen=True)
class Built:
    """What `make dist` left."""

    folder: Path

    def wheel(self, name: str) -> Path:
        return self.folder / f"{name}-{VERSION}-py3-none-any.whl"

    def sdist(self, name: str) -> Path:
        return self.folder / f"{name}-{VERSION}.tar.gz"
