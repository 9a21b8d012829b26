"""Removes what a test run started, once the run is gone: as much of Ryuk's protocol as testcontainers speaks.

A client connects, sends one line of filters, such as `label=org.testcontainers.session-id=…`, and
stays. When the last one has left for as long as the time-out, every container with those labels goes.
"""

import contextlib
import http.client
import json
import os
import socket
import socketserver
import threading
import urllib.parse
from typing import ClassVar

ENGINE = "/var/run/docker.sock"
PORT = 8080
LEFT_FOR_S = float(os.environ.get("RYUK_RECONNECTION_TIMEOUT", "10s").removesuffix("s"))


class Client(socketserver.StreamRequestHandler):
    """One connection."""

    labels: ClassVar[set[str]] = set()
    here = 0
    changed = threading.Condition()

    def handle(self) -> None:
        """Note the labels that the client sends, until it leaves."""
        with Client.changed:
            Client.here += 1
            Client.changed.notify()
        with contextlib.suppress(ConnectionError):  # it may be killed
            for line in self.rfile:
                for _, label in urllib.parse.parse_qsl(line.decode().strip()):
                    Client.labels.add(label)
                self.wfile.write(b"ACK\n")
        with Client.changed:
            Client.here -= 1
            Client.changed.notify()


class Engine(http.client.HTTPConnection):
    """HTTP on the engine's socket."""

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(ENGINE)


def ask(method: str, path: str) -> bytes:
    """Ask the engine for one thing."""
    engine = Engine("engine")
    engine.request(method, path)
    answer = engine.getresponse().read()
    engine.close()
    return answer


def main() -> None:
    """Serve until there was a client and none is left, then remove."""
    server = socketserver.ThreadingTCPServer(("", PORT), Client)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("Ryuk's look-alike: Started!", flush=True)
    with Client.changed:
        Client.changed.wait_for(lambda: Client.here)
        while Client.here or Client.changed.wait_for(lambda: Client.here, LEFT_FOR_S):
            Client.changed.wait_for(lambda: not Client.here)
    for label in sorted(Client.labels):
        filters = urllib.parse.quote(json.dumps({"label": [label]}))
        for container in json.loads(ask("GET", f"/containers/json?all=1&filters={filters}")):
            ask("DELETE", f"/containers/{container['Id']}?force=1&v=1")
            print("removed", container["Names"], flush=True)


if __name__ == "__main__":
    main()
