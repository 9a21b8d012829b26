"""The same three servers in Docker containers, for machines that have an engine and the images."""

import importlib
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Self, cast

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from devstack import kafka, mongodb, valkey
from devstack.addresses import Addresses, ServerName
from devstack.errors import DevStackError
from devstack.ports import HOST, reserve
from devstack.processes import pause_until

IMAGES: Mapping[str, str] = {
    "kafka": f"apache/kafka:{kafka.VERSION}",
    "mongodb": "mongo:8",
    "redis": "valkey/valkey:9",
}
"""Current images: unlike the local processes they need no old libraries."""

DEFAULT_ENGINE = "unix:///var/run/docker.sock"
"""Where Docker's client looks when DOCKER_HOST does not say."""

ENGINE_ANSWER_MAX_S = 1
"""An engine on this machine answers at once; without one the tests should not wait."""

READY_MAX_S = 120.0
"""A container's first start also unpacks its layers."""

KAFKA_DATA = "/var/lib/kafka/data"
"""A volume of the image that its user may write to."""


class Containers:
    """Running containers; removed by `stop`, or by testcontainers' reaper after a crash."""

    def __init__(self, servers: frozenset[ServerName]) -> None:
        """Start them and wait until they serve.

        Raises:
            DevStackError: One of them did not become ready.
        """
        wanted: list[str] = [*servers, "controller"]
        ports = reserve(dict.fromkeys(wanted))
        self.addresses = Addresses(
            kafka=f"{HOST}:{ports['kafka']}" if "kafka" in servers else "",
            mongodb=mongodb.uri(ports["mongodb"]) if "mongodb" in servers else "",
            redis=valkey.uri(ports["redis"]) if "redis" in servers else "",
        )
        self._containers = {name: describe(name, ports) for name in servers}
        probes = {"kafka": kafka.serves, "mongodb": mongodb.is_primary, "redis": valkey.serves}
        try:
            for container in self._containers.values():
                container.start()
            for name in servers:
                _await_ready(name, ports[name], probes[name])
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Remove the containers and their data."""
        for container in self._containers.values():
            container.stop()

    def __enter__(self) -> Self:
        """Return the running containers."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove them."""
        self.stop()


def are_possible(environ: Mapping[str, str], servers: frozenset[ServerName]) -> bool:
    """Say whether an engine answers and has every image, so that nothing needs downloading."""
    if not _is_reachable(environ.get("DOCKER_HOST") or DEFAULT_ENGINE):
        return False
    docker: Any = importlib.import_module("docker")  # it comes without types
    needed = [IMAGES[name] for name in servers]
    if not testcontainers_config.ryuk_disabled:
        needed.append(testcontainers_config.ryuk_image)
    try:
        client = docker.from_env(timeout=ENGINE_ANSWER_MAX_S, environment=dict(environ))
    except docker.errors.DockerException:
        return False
    try:
        for image in needed:
            client.images.get(image)
    except (docker.errors.DockerException, OSError):  # its timeouts are the HTTP library's
        return False
    finally:
        client.close()
    return True


def _is_reachable(engine: str) -> bool:
    """Try the engine's socket ourselves: the client leaves one behind when nobody listens."""
    if not engine.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(ENGINE_ANSWER_MAX_S)
        try:
            probe.connect(engine.removeprefix("unix://"))
        except OSError:
            return False
    return True


def describe(name: str, ports: Mapping[str, int]) -> DockerContainer:
    """Describe a container that listens on the same port number inside and outside.

    Both Kafka and the replica set tell clients where to connect: this way it is true on both sides.
    """
    port = ports[name]
    container = DockerContainer(IMAGES[name])
    # As the engine takes it, to listen on loopback only; `with_bind_ports` takes a bare port.
    container.ports[str(port)] = cast("int", (HOST, port))
    match name:
        case "kafka":
            settings = kafka.settings(KAFKA_DATA, port, ports["controller"], listen="0.0.0.0")  # noqa: S104 - inside
            for key, value in settings.items():
                container.with_env("KAFKA_" + key.upper().replace(".", "_"), str(value))
            container.with_env("CLUSTER_ID", kafka.cluster_id())
        case "mongodb":
            container.with_command(
                ["mongod", "--bind_ip_all", "--port", str(port), *mongodb.replica_set_options()]
            )
        case _:
            container.with_command(["valkey-server", "--port", str(port), "--save", ""])
    return container


def _await_ready(name: str, port: int, is_ready: Callable[[int], bool]) -> None:
    deadline = time.monotonic() + READY_MAX_S
    while not is_ready(port):
        if not pause_until(deadline, 0.1):
            raise DevStackError(
                f"the container of {name} ({IMAGES[name]}) was not ready within {READY_MAX_S:.0f} s:"
                " see docker logs, or stop the engine to use local processes"
            )
