"""Which machines the local servers run on."""

from dataclasses import replace

import pytest

from devstack.errors import DevStackError
from devstack.machine import Machine, require_supported

SUPPORTED = Machine(system="Linux", architecture="x86_64", glibc=(2, 36), python=(3, 12))


@pytest.mark.parametrize(
    "machine",
    [
        SUPPORTED,
        replace(SUPPORTED, glibc=(2, 28)),
        replace(SUPPORTED, glibc=(3, 0)),
        replace(SUPPORTED, python=(3, 11)),
        replace(SUPPORTED, python=(3, 13)),
    ],
)
def test_a_supported_machine_passes(machine: Machine) -> None:
    require_supported(machine)


@pytest.mark.parametrize(
    ("machine", "named"),
    [
        (replace(SUPPORTED, system="Darwin"), "Darwin on x86_64"),
        (replace(SUPPORTED, architecture="aarch64"), "Linux on aarch64"),
        (replace(SUPPORTED, glibc=(2, 27)), "glibc 2.27"),
        (replace(SUPPORTED, glibc=None), "another C library"),
        (replace(SUPPORTED, python=(3, 10)), "3.10"),
        (replace(SUPPORTED, python=(3, 14)), "3.14"),
    ],
)
def test_another_one_gets_one_line_that_names_docker(machine: Machine, named: str) -> None:
    with pytest.raises(DevStackError, match="docker compose up") as refused:
        require_supported(machine)

    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_this_machine_is_described() -> None:
    machine = Machine.this()

    assert machine.system
    assert machine.architecture
    assert machine.python >= (3, 11)
