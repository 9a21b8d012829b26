"""Which servers a test run gets."""

import socket
from pathlib import Path

import pytest

from devstack.addresses import Addresses
from devstack.choose import choose, named_servers
from devstack.containers import are_possible
from devstack.errors import DevStackError
from devstack.ports import HOST
from devstack.stack import SERVERS, StackOptions

NAMED = {
    "ACCOUNTS_TEST_KAFKA": "kafka.test:9092",
    "ACCOUNTS_TEST_MONGODB": "mongodb://mongo.test/?replicaSet=rs",
    "ACCOUNTS_TEST_REDIS": "redis://redis.test/1",
}


def test_named_ones_are_taken_and_nothing_is_started() -> None:
    chosen = choose(NAMED, StackOptions())

    assert chosen.addresses == Addresses(*NAMED.values())
    assert chosen.started is None
    assert chosen.stack is None
    chosen.stop()


def test_those_that_are_not_named_are_started() -> None:
    named = {name: NAMED[name] for name in ("ACCOUNTS_TEST_KAFKA", "ACCOUNTS_TEST_MONGODB")}

    chosen = choose(named, StackOptions())

    try:
        assert chosen.addresses.kafka == NAMED["ACCOUNTS_TEST_KAFKA"]
        assert chosen.addresses.mongodb == NAMED["ACCOUNTS_TEST_MONGODB"]
        port = int(chosen.addresses.redis.removeprefix(f"redis://{HOST}:").removesuffix("/0"))
        with socket.create_connection((HOST, port), 5) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(64) == b"+PONG\r\n"
    finally:
        chosen.stop()


def test_a_server_that_is_not_wanted_is_left_out() -> None:
    chosen = choose(NAMED, StackOptions(servers=frozenset({"kafka"})))

    assert chosen.addresses == Addresses(kafka="kafka.test:9092", mongodb="", redis="")


def test_an_empty_variable_names_nothing() -> None:
    assert named_servers({**NAMED, "ACCOUNTS_TEST_REDIS": ""}, SERVERS).keys() == {
        "kafka",
        "mongodb",
    }


def test_an_engine_that_is_not_there_is_passed_over(tmp_path: Path) -> None:
    assert not are_possible({"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}, SERVERS)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ACCOUNTS_TEST_KAFKA", "kafka-without-port"),
        ("ACCOUNTS_TEST_MONGODB", "user:hunter2@mongo.test"),
        ("ACCOUNTS_TEST_REDIS", "http://redis.test"),
    ],
)
def test_a_malformed_address_names_its_variable_and_keeps_its_secret(
    variable: str, value: str
) -> None:
    with pytest.raises(DevStackError, match=variable) as refused:
        named_servers({variable: value}, SERVERS)

    assert "hunter2" not in str(refused.value)
