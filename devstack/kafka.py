"""Kafka in KRaft mode: one process that is broker and controller."""

import secrets
import socket
import struct
from pathlib import Path

from devstack.errors import DevStackError
from devstack.patience import Patience, log_tail
from devstack.ports import HOST
from devstack.processes import Processes
from devstack.server import Plan

VERSION = "4.4.0"
"""The jars in kafka_jars.sha256 are of this version."""

MESSAGE_BYTES_MAX = 1024 * 1024 + 64 * 1024
"""The largest record we write: a 1 MiB input and 64 KiB of our own around it."""

LOOK_S = 1.0
"""How often the formatting is looked at; its end is noticed at once."""

PROBE_S = 1.0
"""A broker that serves answers a question about itself at once."""

JAVA_OPTIONS = (
    "-XX:+UseSerialGC",  # two cores and a small heap: starts faster than G1
    "-XX:-UsePerfData",  # no file in the system's temporary folder
    "-Djava.io.tmpdir=tmp",  # the compression libraries unpack there
    "-Dlog4j2.level=WARN",
    "-Dlog4j2.disableJmx=true",
    "--sun-misc-unsafe-memory-access=allow",  # or Java 25 warns about every use
    "--enable-native-access=ALL-UNNAMED",  # the compression libraries
)

PROPERTIES = "server.properties"
"""The configuration, in the folder that Kafka runs in."""

COMPILED_QUICKLY = "-XX:TieredStopAtLevel=1"
"""For what ends soon: the second compiler's code is faster, but takes minutes to pay for itself."""


def plan(
    folder: Path, ports: tuple[int, int], java: Path, jars: list[Path], *, short_lived: bool = False
) -> Plan:
    """Write the configuration and say how to start Kafka; ports: clients', controller's."""
    (folder / "tmp").mkdir(exist_ok=True)
    lines = (f"{key}={value}\n" for key, value in settings("data", *ports).items())
    # Java reads Latin-1 there: nothing in it comes from outside, and all of it is ASCII.
    (folder / PROPERTIES).write_text("".join(lines), encoding="ascii")
    port = ports[0]
    compiled = [COMPILED_QUICKLY] if short_lived else []
    return Plan(
        name="kafka",
        port=port,
        folder=folder,
        argv=[*_java(java, jars, "-Xmx512m", *compiled), "kafka.Kafka", PROPERTIES],
        env={"LANG": "C.UTF-8"},
        is_ready=lambda: serves(port),
    )


def format_storage(folder: Path, java: Path, jars: list[Path], processes: Processes) -> None:
    """Give an empty data folder its cluster id; one that has it is left as it is.

    Raises:
        DevStackError: Kafka's tool refused, with the end of its output.
    """
    if (folder / "data" / "meta.properties").exists():
        return
    (folder / "data").mkdir(exist_ok=True)
    log = folder / "format.log"
    argv = [
        *_java(java, jars, "-Xmx128m", COMPILED_QUICKLY),
        *("kafka.tools.StorageTool", "format", "--ignore-formatted"),
        *("--cluster-id", cluster_id(), "--config", PROPERTIES),
    ]
    processes.start("kafka-format", argv, {"LANG": "C.UTF-8"}, log, folder)
    patience = Patience(lambda: processes.pid("kafka-format"), log)
    while (status := processes.wait("kafka-format", LOOK_S)) is None and patience.lasts():
        pass
    if status != 0:
        why = f"exit status {status}" if status is not None else patience.waited()
        raise DevStackError(f"Kafka could not format {folder / 'data'} ({why}): {log_tail(log)}")


def _java(java: Path, jars: list[Path], *options: str) -> list[str]:
    classpath = ":".join(str(jar) for jar in jars)
    return [str(java), *JAVA_OPTIONS, *options, "-cp", classpath]


def settings(
    data: str, port: int, controller_port: int, *, listen: str = HOST
) -> dict[str, str | int]:
    """Return the configuration of a node of one; clients connect to `port` on loopback."""
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        # Static voters: a folder that is used again may then come up on other ports.
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENT://{listen}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"CLIENT://{HOST}:{port}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "log.dirs": data,
        "message.max.bytes": MESSAGE_BYTES_MAX,
        "auto.create.topics.enable": "false",
        # One broker can keep one copy; few partitions, because each is a folder to create.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.max.timeout.ms": 60_000,  # an open one keeps back what is behind it so long
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 4,
        # Tests join and lose members all the time.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a SIGKILL the broker's own registration has to expire before it may come back.
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        # Else a record that says nothing is written twice a second: half of what an idle Kafka costs.
        "metadata.max.idle.interval.ms": 10_000,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,  # of 512 MB heap; the default is 128
    }


def cluster_id() -> str:
    """Make an id for a new cluster."""
    return "A" + secrets.token_urlsafe(16)[1:]  # 16 bytes; a leading "-" would look like an option


def serves(port: int) -> bool:
    """Ask for the cluster's metadata: it lists the broker once it may lead partitions."""
    # Metadata request, version 4: no topics, create nothing. All lengths as in the protocol guide.
    request = struct.pack(">hhih", 3, 4, 1, -1) + struct.pack(">ib", 0, 0)
    try:
        with socket.create_connection((HOST, port), PROBE_S) as connection:
            connection.settimeout(PROBE_S)
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.makefile("rb").read(16)
    except OSError:
        return False
    if len(answer) < 16:  # noqa: PLR2004 - four numbers of four bytes
        return False
    _size, _correlation, _throttle_ms, brokers = struct.unpack(">iiii", answer)
    return brokers > 0
