"""Which ports the servers get."""

import socket

import pytest

from devstack.errors import DevStackError
from devstack.ports import HOST, PORT_MAX, PORT_MIN, reserve


def test_free_ones_differ_and_stay_below_those_of_outgoing_connections() -> None:
    ports = reserve(dict.fromkeys(["a", "b", "c"]))

    assert len(set(ports.values())) == 3
    assert all(PORT_MIN <= port < PORT_MAX for port in ports.values())


def test_one_asked_for_is_given() -> None:
    wanted = reserve({"a": None})["a"]

    assert reserve({"a": wanted, "b": None})["a"] == wanted


def test_one_that_is_taken_is_named() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(DevStackError, match=f"port {port} for kafka .*leave the port out"):
            reserve({"kafka": port})
