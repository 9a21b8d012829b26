"""What docker-compose.yml says of the servers, as far as it shows without an engine."""

import re

import pytest

from devstack import kafka, mongodb
from devstack.containers import IMAGES, KAFKA_DATA
from tests.unit.deploy.test_compose import OURS, SERVERS

KAFKA_ADDRESSES = {
    "KAFKA_ADVERTISED_LISTENERS",
    "KAFKA_CONTROLLER_QUORUM_VOTERS",
    "KAFKA_INTER_BROKER_LISTENER_NAME",
    "KAFKA_LISTENERS",
    "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP",
}
KAFKA_ONLY_IN_TESTS = re.compile(
    "KAFKA_(BROKER_.*|GROUP_MIN_SESSION_TIMEOUT_MS|LOG_CLEANER_.*|MESSAGE_MAX_BYTES"
    "|METADATA_.*|NUM_.*|.*_NUM_PARTITIONS)"
)
"""What makes it small and quick, and the largest record, which `accounts topics apply` sets by topic."""

every_server = pytest.mark.parametrize("name", SERVERS)


def addresses(listeners: str) -> dict[str, str]:
    """Return Kafka's listeners by name."""
    return {
        name: address
        for name, _, address in (each.partition("://") for each in listeners.split(","))
    }


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


@every_server
def test_a_server_runs_a_tagged_image_and_is_asked_for_its_health(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", SERVERS[name]["image"])
    assert not SERVERS[name]["image"].endswith(":latest")
    check = SERVERS[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert check["retries"] >= 3, "one that comes late says nothing"
    assert 5 <= seconds(check["timeout"]) <= seconds(check["interval"])


@pytest.mark.parametrize("name", ["kafka", "mongodb"])
def test_a_check_that_starts_a_whole_runtime_is_made_seldom(name: str) -> None:
    """Every five seconds, Kafka's alone took a third of a core."""
    check = SERVERS[name]["healthcheck"]

    assert check["interval"] == "30s"
    assert check["start_period"] == "60s", "the engine asks more often while it lasts"


def test_the_servers_are_those_of_the_tests() -> None:
    assert {service["image"] for service in SERVERS.values()} == set(IMAGES.values())


def test_servers_are_where_clients_look_for_them() -> None:
    ports = {name: SERVERS[name]["ports"] for name in SERVERS}
    environment = OURS["worker"]["environment"]

    assert ports == {
        "kafka": ["127.0.0.1:9092:9092"],
        "mongodb": ["127.0.0.1:27017:27017"],
        "valkey": ["127.0.0.1:6379:6379"],
    }
    assert environment["ACCOUNTS_MONGODB_URI"] == "mongodb://mongodb:27017/?replicaSet=rs0"
    assert environment["ACCOUNTS_REDIS_URL"] == "redis://valkey:6379/0"


def test_kafka_tells_each_side_an_address_that_it_can_reach() -> None:
    service = SERVERS["kafka"]
    told = addresses(service["environment"]["KAFKA_ADVERTISED_LISTENERS"])

    assert told["INSIDE"] == OURS["worker"]["environment"]["ACCOUNTS_KAFKA_BOOTSTRAP"]
    assert [f"{told['OUTSIDE']}:{told['OUTSIDE'].split(':')[1]}"] == service["ports"]
    assert service["healthcheck"]["test"][-2:] == ["--bootstrap-server", told["INSIDE"]]


def test_kafka_listens_where_it_is_spoken_to() -> None:
    environment = SERVERS["kafka"]["environment"]
    listeners = addresses(environment["KAFKA_LISTENERS"])
    advertised = addresses(environment["KAFKA_ADVERTISED_LISTENERS"])
    [controller] = listeners.keys() - advertised.keys()

    for name, address in advertised.items():
        assert address.endswith(listeners[name])
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] == "INSIDE"
    assert environment["KAFKA_CONTROLLER_LISTENER_NAMES"] == controller
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == (
        f"{environment['KAFKA_NODE_ID']}@kafka{listeners[controller]}"
    )
    assert environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",") == [
        f"{name}:PLAINTEXT" for name in listeners
    ]


def test_kafka_is_the_node_of_one_that_the_tests_use() -> None:
    """Else it would keep to itself what has no second copy, or write its log beside the volume."""
    given = SERVERS["kafka"]["environment"]
    tested = {
        "KAFKA_" + key.upper().replace(".", "_"): str(value)
        for key, value in kafka.settings(KAFKA_DATA, 9092, 29093).items()
    }
    wanted = {name for name in tested if not KAFKA_ONLY_IN_TESTS.fullmatch(name)}

    assert given.keys() == wanted
    for name in wanted - KAFKA_ADDRESSES:
        assert given[name] == tested[name], name
    assert SERVERS["kafka"]["volumes"] == [f"kafka:{KAFKA_DATA}"]


def test_mongodb_makes_its_own_replica_set() -> None:
    service = SERVERS["mongodb"]
    *words, script = service["healthcheck"]["test"]

    assert words == ["CMD", "mongosh", "--quiet", "--eval"]
    assert "rs.initiate({_id: 'rs0', members: [{_id: 0, host: 'mongodb:27017'}]})" in script
    assert "quit(db.hello().isWritablePrimary ? 0 : 1)" in script
    assert {"--replSet=rs0", "--bind_ip_all"} <= {*service["command"]}
    assert service["command"][0] == "mongod"
    assert service["volumes"] == ["mongodb:/data/db"]
    limit_s = mongodb.SETTINGS["transactionLifetimeLimitSeconds"]
    assert f"--setParameter=transactionLifetimeLimitSeconds={limit_s}" in service["command"]


def test_valkey_writes_nothing_to_a_disk_and_is_asked_whether_it_answers() -> None:
    service = SERVERS["valkey"]

    assert service["command"] == ["valkey-server", "--save", "", "--appendonly", "no"]
    assert service["healthcheck"]["test"] == ["CMD-SHELL", "valkey-cli ping | grep -q PONG"]
