"""What the Kubernetes example says fits the image, the sidecar and the settings."""

from typing import Any

import yaml

from tests.places import REPOSITORY
from tests.unit.deploy.test_compose import COMPOSE, FINAL_STAGE, image_environment, instructions

DEPLOYMENT: dict[str, Any] = yaml.safe_load((REPOSITORY / "deploy/kubernetes.yaml").read_text())
TEMPLATE: dict[str, Any] = DEPLOYMENT["spec"]["template"]
POD: dict[str, Any] = TEMPLATE["spec"]
[WORKER] = POD["containers"]
[KEYS] = POD["initContainers"]


def test_its_pods_are_those_that_it_looks_after() -> None:
    labels = {"app.kubernetes.io/name": "accounts"}

    assert (DEPLOYMENT["apiVersion"], DEPLOYMENT["kind"]) == ("apps/v1", "Deployment")
    assert DEPLOYMENT["metadata"] == {"name": "accounts", "labels": labels}
    assert DEPLOYMENT["spec"]["selector"] == {"matchLabels": labels}
    assert TEMPLATE["metadata"]["labels"] == labels


def test_it_takes_no_longer_to_start_and_to_be_replaced_than_in_compose() -> None:
    [check] = instructions("HEALTHCHECK", FINAL_STAGE)
    alive, starts, ready = (
        WORKER[f"{probe}Probe"] for probe in ("liveness", "startup", "readiness")
    )

    assert f"--start-period={starts['periodSeconds'] * starts['failureThreshold']}s" in check
    assert f"--interval={alive['periodSeconds']}s" in check
    assert f"--retries={alive['failureThreshold']}" in check
    assert f"{ready['periodSeconds']}s" == COMPOSE["services"]["worker"]["healthcheck"]["interval"]


def test_its_metrics_are_read_at_the_sidecar() -> None:
    [port] = WORKER["ports"]

    assert TEMPLATE["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(port["containerPort"]),
    }


def test_it_is_configured_by_what_the_operator_made_and_nothing_else() -> None:
    assert WORKER["envFrom"] == [{"secretRef": {"name": "accounts-settings"}}]
    assert POD["enableServiceLinks"] is False, "a service `accounts` would set ACCOUNTS_PORT"


def test_the_probes_ask_paths_of_the_sidecar() -> None:
    source = (REPOSITORY / "workers/bootstrap/sidecar.py").read_text()
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
    assert KEYS["command"][:-1] == ["sh", "-c"]
    assert {"name": "secret", "mountPath": "/secret", "readOnly": True} in KEYS["volumeMounts"]


def test_its_user_and_group_are_those_of_the_image() -> None:
    context = POD["securityContext"]

    [made] = [line for line in instructions("RUN", FINAL_STAGE) if "useradd" in line]
    assert f"groupadd --gid {context['runAsGroup']} accounts" in made
    assert f"useradd --system --uid {context['runAsUser']} --gid accounts" in made


def test_the_worker_runs_as_in_compose() -> None:
    grace = COMPOSE["services"]["worker"]["stop_grace_period"]

    assert WORKER["args"] == COMPOSE["services"]["worker"]["command"]
    assert f"{POD['terminationGracePeriodSeconds']}s" == grace
    assert (
        f"--uid {POD['securityContext']['runAsUser']} " in (REPOSITORY / "Dockerfile").read_text()
    )
    [folder] = COMPOSE["services"]["worker"]["tmpfs"]
    assert {"name": "tmp", "mountPath": folder} in WORKER["volumeMounts"]
    for container in (WORKER, KEYS):
        assert container["image"] == COMPOSE["services"]["worker"]["image"]


def test_it_has_no_more_rights_than_it_needs() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    for container in (WORKER, KEYS):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_every_volume_is_there() -> None:
    mounted = {mount["name"] for one in (WORKER, KEYS) for mount in one["volumeMounts"]}

    assert mounted == {volume["name"] for volume in POD["volumes"]}
    assert POD["volumes"] == [
        {"name": "secret", "secret": {"secretName": "accounts-keys"}},
        {"name": "keys", "emptyDir": {"medium": "Memory"}},  # private keys, on no disk
        {"name": "tmp", "emptyDir": {}},
    ]
