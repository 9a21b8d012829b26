"""Puts `client` and, inside it, `contracts` into the distribution, as the package `accounts_client`.

And, inside `accounts_client.testing`, those modules of the service that the fake is made of.
"""

import ast
import re
import runpy
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "accounts_client"
WHOLE = {"client": PACKAGE, "contracts": f"{PACKAGE}.contracts"}
"""What is in it, under its name there."""
RULES = {name: f"{PACKAGE}.testing.{name}" for name in ("handlers", "storage", "workers")}
"""What of the service is in it as far as it is imported by what is in it."""
RENAMED = WHOLE | RULES
LEFT_OUT = {"__pycache__", "released"}
"""Folders that nobody needs who calls: what was compiled, and what the contract is compared with."""

COMMON_PASSWORDS = "workers/credentials/common_passwords"
"""Where the rules look for the list that the service has beside its metadata."""

_ANY = "|".join(RENAMED)
IMPORT = re.compile(rf"from +({_ANY})\b".encode())
"""What stands where the parser found an import of ours."""
NAMED = re.compile(rf"`({_ANY})(?=[.`])".encode())
"""How our documentation names a package or what is in it."""
BY_TEXT = re.compile(rf"({_ANY})\.")
"""How a text begins that a module is loaded by, or a logger named with."""


class NotRenamedError(ValueError):
    """Something names a package in a way that is not known here."""


class PackageHook(BuildHookInterface[BuilderConfig]):
    """Adds the package to sdists and wheels; hatchling finds this class by itself."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the package, and say where its files lie.

        Raises:
            NotRenamedError: A file names a package in a way that is not known here.
            ValueError: It would be an editable install, which would not follow any change.
        """
        if version == "editable":
            raise ValueError("accounts-client is made of renamed copies: install it without -e")
        root, forced = Path(self.root), build_data["force_include"]
        for path in [path for path in forced if Path(path).is_symlink()]:
            forced[str(Path(path).resolve())] = forced.pop(path)  # LICENSE; a link would break
        if (root / "PKG-INFO").exists():  # an unpacked sdist, which has the package written
            return
        self._made = TemporaryDirectory()
        write_package(root.parents[1], Path(self._made.name))
        write_passwords(root.parents[1], Path(self._made.name))
        forced[self._made.name] = PACKAGE

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was written."""
        del version, build_data, artifact_path
        if hasattr(self, "_made"):
            self._made.cleanup()


def write_package(repository: Path, package: Path) -> None:
    """Write all that is in `client` and `contracts`, and the rules, into the folder *package*.

    Raises:
        NotRenamedError: A file names a package in a way that is not known here.
    """
    whole = [path for name in WHOLE for path in _files(repository / name)]
    for path in [*whole, *rules_of(repository, whole)]:
        _write(package, path.relative_to(repository), path.read_bytes())


def write_passwords(repository: Path, package: Path) -> None:
    """Write the list of common passwords, and its licence, into the folder *package*."""
    made = runpy.run_path(str(repository / "hatch_build.py"))
    for suffix, text in ((".txt", "\n".join(made["passwords"]())), (".LICENSE", made["licence"]())):
        _write(package, Path(COMMON_PASSWORDS + suffix), text.encode())


def rules_of(repository: Path, importing: Iterable[Path]) -> list[Path]:
    """Return the modules of the service that *importing* import, and those that these do."""
    found: dict[Path, None] = {}
    waiting = [path for path in importing if path.suffix == ".py"]
    while waiting:
        for path in _imported(repository, waiting.pop()):
            if path not in found:
                found[path] = None
                waiting.append(path)
    return sorted(found)


def _imported(repository: Path, importing: Path) -> Iterator[Path]:
    """Yield the files of the modules of the service that one file imports, and of their packages."""
    for node in ast.walk(ast.parse(importing.read_bytes())):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        parts = node.module.split(".")
        if parts[0] not in RULES:
            continue
        folders = [repository.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
        yield from (folder / "__init__.py" for folder in folders if folder.is_dir())
        modules = (folders[-1], *(folders[-1] / alias.name for alias in node.names))
        yield from (path for each in modules if (path := each.with_suffix(".py")).is_file())


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if not path.is_dir() and path.parent.name not in LEFT_OUT:
            yield path


def _write(package: Path, path: Path, data: bytes) -> None:
    """Write what is at *path* of the repository where it belongs in *package*, modules renamed."""
    folder, *rest = path.parts
    copy = package.joinpath(*RENAMED[folder].split(".")[1:], *rest)
    if copy.exists():
        raise NotRenamedError(f"{path} would replace another module; rename it")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(renamed_in(data, str(path)) if path.suffix == ".py" else data)


def renamed_in(source: bytes, path: str) -> bytes:
    """Return Python that imports, and documents, the packages by their names in the distribution.

    Raises:
        NotRenamedError: It names one in another way.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source, path)
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(level=0, module=str(module)) if _is_ours(module):
                _rename(lines, node, path)
            case ast.Import(names=names) if any(_is_ours(alias.name) for alias in names):
                raise NotRenamedError(f"{path}:{node.lineno}: write it as `from … import …`")
            case ast.ImportFrom(level=level) if level:
                raise NotRenamedError(f"{path}:{node.lineno}: write the package's name out")
            case ast.Constant(value=str()) if node in documentation:
                _rename_documented(lines, node)
            case ast.Constant(value=str(text)) if BY_TEXT.match(text):
                raise NotRenamedError(f"{path}:{node.lineno}: write it with `__name__`")
            case _:
                pass
    return b"".join(lines)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in RENAMED


def _rename(lines: list[bytes], node: ast.ImportFrom, path: str) -> None:
    line = lines[node.lineno - 1]
    found = IMPORT.match(line, node.col_offset)
    if found is None:
        raise NotRenamedError(f"{path}:{node.lineno}: write the import on one line")
    lines[node.lineno - 1] = line[: found.start(1)] + _new_name(found) + line[found.end(1) :]


def _rename_documented(lines: list[bytes], node: ast.Constant) -> None:
    assert node.end_lineno is not None
    for index in range(node.lineno - 1, node.end_lineno):
        lines[index] = NAMED.sub(lambda found: b"`" + _new_name(found), lines[index])


def _new_name(found: re.Match[bytes]) -> bytes:
    return RENAMED[found[1].decode()].encode()
