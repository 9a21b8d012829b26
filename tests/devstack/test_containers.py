"""How the containers are described; that needs an engine's answer, but no container."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from devstack.containers import IMAGES, describe
from devstack.ports import HOST


class Engine(BaseHTTPRequestHandler):
    """As much of Docker's engine as its client asks for before it starts anything."""

    def do_GET(self) -> None:
        body = json.dumps({"ApiVersion": "1.41", "MinAPIVersion": "1.12"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer((HOST, 0), Engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{HOST}:{server.server_address[1]}")
        yield
        server.shutdown()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", IMAGES)
def test_a_server_listens_on_this_machine_only_at_the_port_it_tells(name: str) -> None:
    container = describe(name, {name: 20_001, "controller": 20_002})

    assert dict[str, object](container.ports) == {"20001": (HOST, 20_001)}
