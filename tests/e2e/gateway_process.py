"""Runs the example gateway as its own process beside a worker, and calls it over HTTP."""

import os
import re
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from devstack.patience import Patience, last_lines
from devstack.processes import Processes
from tests.e2e.running import RunningService, Worker
from tests.places import REPOSITORY

END_MAX_S = 120.0
"""Longer than a gateway's own bound for a stop, on a machine that others keep busy too."""
OPERATIONS_HOST = "127.0.0.2"
"""Another address of this machine than the public one's."""
PASSWORD = "correct horse battery staple"
_SIDECAR = re.compile(r"sidecar at (http://[^\s]+:\d+)")
_SERVES = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class GatewayProcess:
    """A gateway that listens, and the log that it writes."""

    client: httpx2.Client
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


@dataclass
class Visitor:
    """Somebody who opens an account and uses it."""

    client: httpx2.Client
    username: str = field(default_factory=lambda: f"v{uuid4().hex[:12]}")
    password: str = PASSWORD
    tokens: dict[str, Any] = field(default_factory=dict[str, Any])

    def register(self, key: str | None = None) -> httpx2.Response:
        body = {
            "username": self.username,
            "email": f"{self.username}@example.com",
            "first_name": "Vera",
            "last_name": "Visitor",
            "password": self.password,
        }
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.client.post("/auth/register", json=body, headers=headers)

    def login(self) -> httpx2.Response:
        """Sign in, and use the new token from then on."""
        body = {"username": self.username, "password": self.password}
        response = self.client.post("/auth/login", json=body)
        if response.status_code == HTTPStatus.OK:
            self.tokens = response.json()
        return response

    def refresh(self) -> httpx2.Response:
        """Take new tokens, and use them from then on."""
        body = {"username": self.username, "refresh_token": self.tokens["refresh_token"]}
        response = self.client.post("/auth/refresh", json=body)
        if response.status_code == HTTPStatus.OK:
            self.tokens = response.json()
        return response

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None
    ) -> httpx2.Response:
        """Call with the token, and with *key* as the Idempotency-Key."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return self.client.request(method, path, json=body, headers=headers)

    def refused_after_s(self, began_s: float, within_s: float) -> float:
        """Call until the session is refused; return how long after *began_s* that was."""
        while True:
            response = self.call("GET", "/balance")
            took_s = time.monotonic() - began_s
            if response.status_code == HTTPStatus.UNAUTHORIZED:
                assert response.json()["code"] == "session_ended", response.text
                return took_s
            assert took_s < within_s, f"still let in after {took_s:.1f} s"
            time.sleep(0.01)


@contextmanager
def a_gateway(
    service: RunningService, worker: Worker, **settings: str
) -> Generator[GatewayProcess]:
    """Run a gateway over *service*; it knows the keys by the sidecar of *worker*, or by its issuer."""
    name = f"gateway-{uuid4().hex[:8]}"
    log_path = service.folder / f"{name}.log"
    sidecar = _found(_SIDECAR, Patience(lambda: worker.pid, worker.log_path))
    others = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environ = {
        **others,
        "PYTHONPATH": str(REPOSITORY),
        "GATEWAY_KAFKA_BOOTSTRAP": service.addresses.kafka,
        "GATEWAY_TOPIC_PREFIX": service.prefix,
        "GATEWAY_JWKS_URL": "" if "issuer" in settings else f"{sidecar}/.well-known/jwks.json",
        "GATEWAY_PORT": "0",
        "GATEWAY_OPERATIONS_HOST": OPERATIONS_HOST,
        "GATEWAY_OPERATIONS_PORT": "0",
        "GATEWAY_REGISTRATIONS_PER_MINUTE": "100000",
        **{f"GATEWAY_{setting.upper()}": value for setting, value in settings.items()},
    }
    argv = [sys.executable, "-m", "examples.gateway"]
    service.processes.start(name, argv, environ, log_path)
    patience = Patience(lambda: service.processes.pid(name), log_path)
    with httpx2.Client(base_url=_found(_SERVES, patience), timeout=60) as client:
        gateway = GatewayProcess(client, log_path)
        try:
            _wait_ready(gateway, patience)
            yield gateway
        finally:
            _end(service.processes, name)


def _found(pattern: re.Pattern[str], patience: Patience) -> str:
    """Wait until a log says where its process listens."""
    log_path = patience.log
    while True:
        text = log_path.read_text(errors="replace") if log_path.exists() else ""
        if found := pattern.search(text):
            return found[1]
        assert patience.lasts(), f"{patience.waited()}: {last_lines(log_path)}"
        time.sleep(0.02)


def _wait_ready(gateway: GatewayProcess, patience: Patience) -> None:
    while (response := gateway.client.get("/health")).status_code != HTTPStatus.OK:
        why = f"{response.text}, {patience.waited()}"
        assert patience.lasts(), f"{why}: {last_lines(gateway.log_path)}"
        time.sleep(0.02)


def _end(processes: Processes, name: str) -> None:
    if processes.pid(name) is not None:
        processes.signal(name, signal.SIGTERM)
        assert processes.wait(name, END_MAX_S) is not None, "the gateway does not end"
