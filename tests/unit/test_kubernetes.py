"""What the Kubernetes example says fits the image, the sidecar and the settings."""

from typing import Any

import yaml

from tests.places import REPOSITORY
from tests.unit.test_compose import COMPOSE, FINAL_STAGE, image_environment, instructions
from workers.cli.app import COMMANDS

POD: dict[str, Any] = yaml.safe_load((REPOSITORY / "deploy/kubernetes.yaml").read_text())["spec"][
    "template"
]["spec"]
[WORKER] = POD["containers"]
[KEYS] = POD["initContainers"]


def test_the_probes_ask_paths_of_the_sidecar() -> None:
    source = (REPOSITORY / "workers/sidecar.py").read_text()
    [port] = WORKER["ports"]

    assert str(port["containerPort"]) == image_environment()["ACCOUNTS_SIDECAR_PORT"]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        assert f'"{WORKER[probe]["httpGet"]["path"]}"' in source
        assert WORKER[probe]["httpGet"]["port"] == port["name"]


def test_the_keys_come_to_where_the_image_looks_for_them() -> None:
    folder = image_environment()["ACCOUNTS_KEYS_DIR"]

    assert KEYS["command"][-1] == f"install -m 0600 /secret/*.json {folder}/"
    for container in (WORKER, KEYS):
        assert {"name": "keys", "mountPath": folder} in container["volumeMounts"]


def test_its_user_and_group_are_those_of_the_image() -> None:
    context = POD["securityContext"]

    [made] = [line for line in instructions("RUN", FINAL_STAGE) if "useradd" in line]
    assert f"groupadd --gid {context['runAsGroup']} accounts" in made
    assert f"useradd --system --uid {context['runAsUser']} --gid accounts" in made


def test_the_worker_runs_as_in_compose() -> None:
    grace = COMPOSE["services"]["worker"]["stop_grace_period"]

    assert set(WORKER["args"]) <= set(COMMANDS)
    assert f"{POD['terminationGracePeriodSeconds']}s" == grace
    assert (
        f"--uid {POD['securityContext']['runAsUser']} " in (REPOSITORY / "Dockerfile").read_text()
    )
    for container in (WORKER, KEYS):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_every_volume_is_there() -> None:
    mounted = {mount["name"] for one in (WORKER, KEYS) for mount in one["volumeMounts"]}

    assert mounted == {volume["name"] for volume in POD["volumes"]}
