"""Where settings come from: the environment, a TOML file, the running dev stack."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from workers.config.renamed import RENAMED

PREFIX = "ACCOUNTS_"
FILE_VARIABLE = "ACCOUNTS_CONFIG"
DEV_FILE = Path(".accounts") / "dev.env"
DEV_PID = "ACCOUNTS_DEV_PID"
WHOLE = {"assets", "limits"}
"""Settings that are tables themselves; every other table only groups names."""

NOT_OURS = re.compile(
    r"ACCOUNTS_(TEST|DEV)_.*"  # read by the tests and the dev stack
    # Kubernetes sets these for each service whose name starts with `accounts`.
    r"|ACCOUNTS_(.*_)?SERVICE_(HOST|PORT(_.*)?)"
    r"|ACCOUNTS_(.*_)?PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?"
)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has one line for each reason."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class FoundSetting:
    """A value that somebody set, and where."""

    value: Any
    source: str
    spelled: str
    """Its name as it stands there."""


def read_sources(
    environ: Mapping[str, str], cwd: Path, names: Sequence[str]
) -> tuple[dict[str, FoundSetting], list[str]]:
    """Return setting → value of the first source that has it, and what is wrong with the sources."""
    problems: list[str] = []
    found: dict[str, FoundSetting] = {}
    sources = [
        _environment(environ),
        _toml(Path(environ[FILE_VARIABLE]), problems) if environ.get(FILE_VARIABLE) else [],
        _dev_stack(cwd / DEV_FILE),
    ]
    for settings in sources:
        for name, setting in settings:
            if name in names:
                found.setdefault(name, setting)
            else:
                problems.append(_unknown(setting, name, names))
    return found, problems


def set_by_name(name: str, found: Mapping[str, FoundSetting]) -> str:
    """Return how to name a setting to whoever set it."""
    if name not in found:
        return f"{PREFIX}{name.upper()}"
    return f"{found[name].spelled} ({found[name].source})"


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, FoundSetting]]:
    for variable, value in sorted(environ.items()):
        # Set to nothing means not set: compose files and shells cannot say it otherwise.
        if not variable.startswith(PREFIX) or variable == FILE_VARIABLE or not value:
            continue
        if _is_ours(variable):
            name = variable.removeprefix(PREFIX).lower()
            yield name, FoundSetting(value, "environment", variable)


def _is_ours(variable: str) -> bool:
    return variable == f"{PREFIX}SIDECAR_PORT" or not NOT_OURS.fullmatch(variable)


def _toml(path: Path, problems: list[str]) -> list[tuple[str, FoundSetting]]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        problems.append(f"{FILE_VARIABLE}: cannot read {path}: {reason}; name a TOML file")
        return []
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{FILE_VARIABLE}: {path} is not TOML: {error}")
        return []
    return list(_flat(content, f"file {path}", []))


def _flat(
    table: dict[str, Any], source: str, above: list[str]
) -> Iterator[tuple[str, FoundSetting]]:
    for key, value in table.items():
        path = [*above, key]
        name = "_".join(path)
        if isinstance(value, dict) and name not in WHOLE:
            yield from _flat(cast("dict[str, Any]", value), source, path)
        else:
            yield name, FoundSetting(value, source, ".".join(path))


def dev_variables(path: Path) -> dict[str, str]:
    """Return what stands in the file that `accounts dev` keeps; nothing where there is none."""
    try:
        lines = os.fsdecode(path.read_bytes()).split("\n")  # it has paths in it
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")


def _dev_stack(path: Path) -> list[tuple[str, FoundSetting]]:
    """Return what `accounts dev` left for other commands, while it runs."""
    pairs = dev_variables(path)
    if not _alive(pairs.pop(DEV_PID, "")):
        return []
    return [
        (variable.removeprefix(PREFIX).lower(), FoundSetting(value, "running dev stack", variable))
        for variable, value in pairs.items()
        if variable.startswith(PREFIX) and _is_ours(variable)
    ]


def _alive(pid: str) -> bool:
    if not pid.isdigit() or int(pid) == 0:
        return False
    try:
        os.kill(int(pid), 0)  # signal 0 only asks
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _unknown(setting: FoundSetting, name: str, names: Sequence[str]) -> str:
    said = f"{setting.spelled} ({setting.source})"
    if new := RENAMED.get(name):
        return f"{said}: was renamed; set {_spelled(new, like=setting)} instead"
    if close := get_close_matches(name, names, n=1):
        return f"{said}: no such setting; did you mean {_spelled(close[0], like=setting)}?"
    return f"{said}: no such setting; docs/configuration.md lists all settings"


def _spelled(name: str, *, like: FoundSetting) -> str:
    return f"{PREFIX}{name.upper()}" if like.spelled.startswith(PREFIX) else name
