"""Wheels of a few hundred bytes with any name, version and requirements, and locks of them."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

from requirements.install import PIN


def a_wheel(folder: Path, name: str, version: str, requires: Iterable[str] = ()) -> str:
    """Write a wheel with one module into *folder*; return its SHA-256."""
    stem = name.replace("-", "_")
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    info = f"{stem}-{version}.dist-info"
    files = {
        f"tiny_{stem}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{info}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in (*files, record))
    wheel = folder / f"{stem}-{version}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def a_pin(name: str, version: str, digest: str, marker: str | None = None) -> str:
    """Return one requirement of a lock."""
    pin = f"{name}=={version}" + (f" ; {marker}" if marker else "")
    return f"{pin} \\\n    --hash=sha256:{digest}\n"


def pins_of(lock: Path) -> list[tuple[str, str, str | None]]:
    """Return name, version and marker of every pin of a lock, whether it applies here or not."""
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    found = [PIN.fullmatch(line.strip()) for line in lines]
    return [(pin[1], pin[2], pin[3]) for pin in found if pin]
