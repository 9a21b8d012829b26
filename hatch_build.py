"""Puts the list of common passwords into the wheel, an editable one too: hatchling runs this."""

from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from zxcvbn.frequency_lists import FREQUENCY_LISTS

LENGTH_MIN = 8
"""Characters: `PASSWORD_LENGTH_MIN` refuses shorter ones anyway."""


class CommonPasswords(BuildHookInterface[BuilderConfig]):
    """Writes what `workers/credentials/password_gate.py` reads, from the package `zxcvbn`, with its licence."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files, beside the sources, and name them to the builder."""
        del version
        self._folder = TemporaryDirectory()
        made = {
            "common_passwords.txt": "".join(f"{each}\n" for each in passwords()),
            "common_passwords.LICENSE": licence(),
        }
        for name, text in made.items():
            path = Path(self._folder.name, name)
            path.write_text(text, encoding="utf-8")
            build_data["extra_metadata"][str(path)] = name

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the files again."""
        del version, build_data, artifact_path
        self._folder.cleanup()


def passwords() -> list[str]:
    """Return the common passwords that are long enough to be chosen, most common first."""
    return [each for each in FREQUENCY_LISTS["passwords"] if len(each) >= LENGTH_MIN]


def licence() -> str:
    """Return the licence of `zxcvbn`: it asks to go with every copy."""
    [text] = [path for path in distribution("zxcvbn").files or [] if "LICENSE" in path.name]
    return text.read_text()
