"""What docker-compose.yml says of our own, and the Dockerfile, as far as it shows without an engine."""

import json
import re
import tomllib
from typing import Any

import pytest
import yaml

from cli.app import COMMANDS
from tests.places import REPOSITORY
from workers.config.settings import PREFIX, load_settings

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SERVERS = {name: service for name, service in SERVICES.items() if "build" not in service}
ONCE = {"topics", "keys"}
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
FINAL_STAGE = DOCKERFILE.rpartition("FROM ")[2]

every_service = pytest.mark.parametrize("name", SERVICES)
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


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_what_serves_is_started_again(name: str) -> None:
    """Else a worker that came back with its machine would wait for servers that did not."""
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_a_worker_that_cannot_answer_is_soon_called_unhealthy() -> None:
    check = SERVICES["worker"]["healthcheck"]

    assert check["retries"] * int(check["interval"].removesuffix("s")) <= 15
    assert check["timeout"] == "5s", "above the three that the check itself waits"
    assert check["start_period"] == "60s", "until then it may still come up"


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


def test_each_command_is_one_of_ours() -> None:
    commands = {name: service["command"] for name, service in OURS.items()}

    assert commands == {
        "topics": ["topics", "apply"],
        "keys": ["keys", "new"],
        "worker": ["worker"],
    }
    assert {words[0] for words in commands.values()} <= set(COMMANDS)


@ours
def test_its_environment_is_a_configuration(name: str) -> None:
    environment = image_environment() | OURS[name]["environment"]
    given = {key: value for key, value in environment.items() if key.startswith(PREFIX)}

    settings = load_settings(given, REPOSITORY / "tests")

    assert OURS[name]["environment"] == OURS["worker"]["environment"]
    assert settings.kafka_bootstrap.split(":")[0] in SERVERS
    assert settings.mongodb_uri.split("//")[1].split(":")[0] in SERVERS
    assert settings.redis_url.split("//")[1].split(":")[0] in SERVERS


@ours
def test_it_has_no_more_rights_than_it_needs(name: str) -> None:
    assert OURS[name]["cap_drop"] == ["ALL"]
    assert OURS[name]["read_only"] is True
    assert OURS[name]["security_opt"] == ["no-new-privileges:true"]
    assert OURS[name]["tmpfs"] == ["/tmp"], "the one folder that may be written to"


@ours
def test_it_is_the_one_image_with_an_init_before_it(name: str) -> None:
    assert (OURS[name]["image"], OURS[name]["build"]) == ("accounts", ".")
    assert OURS[name]["init"] is True, "which passes a stop on"


def test_every_volume_is_declared_and_used() -> None:
    named = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }

    assert named == set(COMPOSE["volumes"])


def test_the_worker_is_asked_at_the_sidecar_s_port() -> None:
    port = image_environment()["ACCOUNTS_SIDECAR_PORT"]
    way, program, option, text = SERVICES["worker"]["healthcheck"]["test"]

    assert SERVICES["worker"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert (way, program, option) == ("CMD", "python", "-c")
    compile(text, "health check", "exec")
    assert f"'http://127.0.0.1:{port}/health/ready'" in text


def test_the_keys_are_where_the_image_looks_for_them() -> None:
    [volume] = OURS["worker"]["volumes"]
    folder = volume.split(":")[1]

    assert image_environment()["ACCOUNTS_KEYS_DIR"] == folder
    assert OURS["keys"]["volumes"] == OURS["worker"]["volumes"]
    assert folder in FINAL_STAGE.partition("COPY")[0], "made there, owned by the image's user"


def test_a_stop_outlasts_the_worker_s_own_bound() -> None:
    grace_s = int(SERVICES["worker"]["stop_grace_period"].removesuffix("s"))

    assert grace_s > load_settings({}, REPOSITORY / "tests").ledger.shutdown_timeout_ms / 1000 + 10


def test_the_image_runs_without_root_and_without_a_shell() -> None:
    [user] = instructions("USER", FINAL_STAGE)
    made = [line for line in instructions("RUN", FINAL_STAGE) if "useradd" in line]

    assert f" {user} " in made[0].partition("useradd")[2], "not root, but who is made for it"
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["accounts"]
    assert json.loads(instructions("CMD", FINAL_STAGE)[-1]) == ["worker"]


def test_the_image_is_made_for_a_container() -> None:
    environment = image_environment()

    assert environment["ACCOUNTS_SIDECAR_HOST"] == "0.0.0.0", "who asks comes from outside"
    assert instructions("EXPOSE", FINAL_STAGE) == [environment["ACCOUNTS_SIDECAR_PORT"]]
    assert environment["ACCOUNTS_LOG_FORMAT"] == "json"
    assert environment["PYTHONUNBUFFERED"] == "1", "else the last lines before a kill are lost"
    assert environment["PYTHONDONTWRITEBYTECODE"] == "1", "it may not write beside the code"


def test_the_image_asks_the_sidecar_for_its_health() -> None:
    [check] = instructions("HEALTHCHECK", FINAL_STAGE)
    program, option, text = json.loads(check.partition(" CMD ")[2])

    assert (program, option) == ("python", "-c")
    compile(text, "health check", "exec")
    assert "os.environ['ACCOUNTS_SIDECAR_PORT'] + '/health/live'" in text


def test_the_image_is_built_from_pinned_packages() -> None:
    installed = instructions("RUN", DOCKERFILE)

    assert "python requirements/install.py requirements/worker.txt --compile" in installed
    assert "pip install --no-deps --no-build-isolation --compile . && pip check" in installed
    assert len({image.split()[0] for image in instructions("FROM")}) == 1
    assert "--from=build /opt/accounts /opt/accounts" in instructions("COPY", FINAL_STAGE)


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

    assert copied == {*packages, "pyproject.toml", "hatch_build.py", "LICENSE", *requirements}
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    assert "*" in ignored
