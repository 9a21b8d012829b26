"""Whoever only keeps connections open stops nobody: neither the ledger, nor those who ask (P10)."""

import resource
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from tests.e2e.gateway_process import Visitor, a_gateway
from tests.e2e.running import RunningService

STAYING = 1100
FILES_MAX = 1024
"""File descriptors that a process may have by default."""
DEPOSIT = {"amount": "10.00", "currency": "USD"}
HALF = b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"


@contextmanager
def staying(port: int, said: bytes = b"") -> Generator[None]:
    """Open many connections, say *said*, and then no more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    with ExitStack() as opened:
        for _ in range(STAYING):
            # From elsewhere than those who are to be answered.
            connection = socket.create_connection(
                ("127.0.0.1", port), timeout=30, source_address=("127.0.0.9", 0)
            )
            opened.enter_context(connection).sendall(said)
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_worker_goes_on_beside_connections_that_only_stay(service: RunningService) -> None:
    worker = service.start_worker()
    assert worker.pid is not None
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    with a_gateway(service, worker) as gateway, staying(urlsplit(worker.sidecar).port or 0):
        visitor = Visitor(gateway.client)
        assert worker.get("/health/ready")[0] == 200
        assert visitor.register().status_code == 201
        assert visitor.login().status_code == 200
        assert visitor.call("POST", "/balance/deposit", DEPOSIT).status_code == 200


def test_the_gateway_goes_on_beside_bodies_that_never_come(service: RunningService) -> None:
    worker = service.start_worker()
    with a_gateway(service, worker) as gateway:
        visitor = Visitor(gateway.client)
        visitor.register()
        assert visitor.login().status_code == 200
        port = gateway.client.base_url.port
        assert port is not None
        with staying(port, HALF):
            assert visitor.call("POST", "/balance/deposit", DEPOSIT).status_code == 200
            assert gateway.client.get("/health").status_code == 200
        assert "Traceback" not in gateway.log()
