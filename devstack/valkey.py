"""Valkey, the server that speaks Redis' protocol."""

import socket
from pathlib import Path

from devstack.ports import HOST
from devstack.server import Plan

PROBE_S = 1.0
"""A server on this machine answers at once, or is not ready."""


def uri(port: int) -> str:
    """Return the address for clients."""
    return f"redis://{HOST}:{port}/0"


def plan(folder: Path, port: int, binary: Path, *, keep: bool) -> Plan:
    """Say how to start Valkey; it writes its data to disk only to `keep` it."""
    (folder / "data").mkdir(exist_ok=True)
    return Plan(
        name="redis",
        port=port,
        folder=folder,
        argv=[
            *(str(binary), "--bind", HOST, "--port", str(port), "--dir", "data"),
            *("--save", "", "--appendonly", "yes" if keep else "no"),
        ],
        env={"LC_ALL": "C"},
        is_ready=lambda: serves(port),
    )


def serves(port: int) -> bool:
    """Say whether it answers, its data read."""
    try:
        with socket.create_connection((HOST, port), PROBE_S) as connection:
            connection.settimeout(PROBE_S)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")  # "-LOADING" while it reads its data
    except OSError:
        return False
