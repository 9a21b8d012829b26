"""What docker-compose.yml and the Dockerfile must hold, as far as it shows without an engine."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from devstack.containers import IMAGES
from tests.places import REPOSITORY
from workers.cli.app import COMMANDS
from workers.config import PREFIX, load_settings

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SERVERS = {name: service for name, service in SERVICES.items() if "build" not in service}
ONCE = {"topics", "keys"}
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
FINAL_STAGE = DOCKERFILE.rpartition("FROM ")[2]

every_service = pytest.mark.parametrize("name", SERVICES)
every_server = pytest.mark.parametrize("name", SERVERS)
ours = pytest.mark.parametrize("name", OURS)


def instructions(word: str, text: str = DOCKERFILE) -> list[str]:
    return re.findall(rf"^\s*{word} (.*)$", text, re.MULTILINE)


def image_environment() -> dict[str, str]:
    words = " ".join(instructions("ENV", FINAL_STAGE)).split()
    return dict(word.split("=", 1) for word in words)


@every_service
def test_only_this_machine_reaches_it(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)
    assert "network_mode" not in SERVICES[name]


@every_service
def test_it_names_no_secret(name: str) -> None:
    assert not re.search(r"passw|secret|token", json.dumps(SERVICES[name]), re.IGNORECASE)


@every_server
def test_a_server_runs_a_tagged_image_and_is_asked_for_its_health(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:[\w.-]+", SERVERS[name]["image"])
    assert not SERVERS[name]["image"].endswith(":latest")
    assert SERVERS[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_what_serves_is_started_again(name: str) -> None:
    """Else a worker that came back with its machine would wait for servers that did not."""
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_a_worker_that_cannot_answer_is_soon_called_unhealthy() -> None:
    check = SERVICES["worker"]["healthcheck"]

    assert check["retries"] * int(check["interval"].removesuffix("s")) <= 15
    assert check["start_period"] == "60s", "until then it may still come up"


@pytest.mark.parametrize("name", ["kafka", "mongodb"])
def test_a_check_that_starts_a_whole_runtime_is_made_seldom(name: str) -> None:
    """Every five seconds, Kafka's alone took a third of a core."""
    check = SERVERS[name]["healthcheck"]

    assert check["interval"] == "30s"
    assert check["start_period"] == "60s", "the engine asks more often while it lasts"


def test_the_servers_are_those_of_the_tests() -> None:
    assert {service["image"] for service in SERVERS.values()} == set(IMAGES.values())


def test_the_worker_starts_last() -> None:
    waits = {name: wait["condition"] for name, wait in SERVICES["worker"]["depends_on"].items()}

    assert waits == {
        **dict.fromkeys(SERVERS, "service_healthy"),
        **dict.fromkeys(ONCE, "service_completed_successfully"),
    }
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", sorted(ONCE))
def test_what_runs_once_ends(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert SERVICES[name]["healthcheck"] == {"disable": True}


@ours
def test_its_command_is_one_of_ours(name: str) -> None:
    service = OURS[name]
    words = " ".join([*service.get("entrypoint", ["accounts"]), *service["command"]])

    called = re.findall(r"\baccounts ([a-z]+)", words)
    assert called
    assert set(called) <= set(COMMANDS)


@ours
def test_its_environment_is_a_configuration(name: str) -> None:
    environment = image_environment() | OURS[name]["environment"]
    given = {key: value for key, value in environment.items() if key.startswith(PREFIX)}

    settings = load_settings(given, REPOSITORY / "tests")

    assert given
    assert settings.kafka_bootstrap.split(":")[0] in SERVERS
    assert settings.mongodb_uri.split("//")[1].split(":")[0] in SERVERS
    assert settings.redis_url.split("//")[1].split(":")[0] in SERVERS


@ours
def test_it_has_no_more_rights_than_it_needs(name: str) -> None:
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert OURS[name]["read_only"] is True
    assert OURS[name]["security_opt"] == ["no-new-privileges:true"]


@every_service
def test_a_volume_is_declared(name: str) -> None:
    named = {volume.split(":")[0] for volume in SERVICES[name].get("volumes", [])}

    assert named <= set(COMPOSE["volumes"])


def test_the_keys_are_where_the_image_looks_for_them() -> None:
    [volume] = OURS["worker"]["volumes"]
    folder = volume.split(":")[1]

    assert image_environment()["ACCOUNTS_KEYS_DIR"] == folder
    assert OURS["keys"]["command"] == ["keys", "new"]
    assert OURS["keys"]["volumes"] == OURS["worker"]["volumes"]
    assert folder in FINAL_STAGE.partition("COPY")[0], "made there, owned by the image's user"


def test_a_stop_outlasts_the_worker_s_own_bound() -> None:
    grace_s = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))

    assert grace_s > load_settings({}, REPOSITORY / "tests").ledger.shutdown_timeout_ms / 1000 + 10


def test_kafka_tells_each_side_an_address_that_it_can_reach() -> None:
    kafka = SERVICES["kafka"]
    told = dict(
        address.split("://")
        for address in kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    )

    assert told["INSIDE"] == OURS["worker"]["environment"]["ACCOUNTS_KAFKA_BOOTSTRAP"]
    assert [f"{told['OUTSIDE']}:{told['OUTSIDE'].split(':')[1]}"] == kafka["ports"]
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_mongodb_makes_its_own_replica_set() -> None:
    mongodb = SERVICES["mongodb"]
    script = mongodb["healthcheck"]["test"][-1]

    assert "rs.initiate({_id: 'rs0', members: [{_id: 0, host: 'mongodb:27017'}]})" in script
    assert "--replSet=rs0" in mongodb["command"]
    assert "replicaSet=rs0" in OURS["worker"]["environment"]["ACCOUNTS_MONGODB_URI"]


def test_the_image_runs_without_root_and_without_a_shell() -> None:
    [user] = instructions("USER", FINAL_STAGE)

    assert user not in {"root", "0"}
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["accounts"]
    assert json.loads(instructions("CMD", FINAL_STAGE)[-1]) == ["worker"]


def test_the_image_asks_the_sidecar_for_its_health() -> None:
    [check] = instructions("HEALTHCHECK", FINAL_STAGE)
    program, option, text = json.loads(check.partition(" CMD ")[2])

    assert (program, option) == ("python", "-c")
    compile(text, "health check", "exec")
    assert "/health/live" in text


def test_the_image_is_built_from_pinned_packages() -> None:
    installed = instructions("RUN", DOCKERFILE)

    assert "python requirements/install.py requirements/worker.txt --compile" in installed
    assert "pip install --no-deps --no-build-isolation --compile . && pip check" in installed
    assert len({image.split()[0] for image in instructions("FROM")}) == 1


def test_the_image_gets_every_package_and_nothing_else() -> None:
    packages = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
        "packages"
    ]
    copied = {
        word
        for line in instructions("COPY")
        if not line.startswith("--from")
        for word in line.split()[:-1]
    }
    requirements = ("requirements/install.py", "requirements/worker.txt")
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()

    assert copied == {*packages, "pyproject.toml", "LICENSE", *requirements}
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    assert "*" in ignored
