"""Every route of the sidecar answers GET with the right type, and nothing else."""

from collections.abc import Mapping
from re import findall
from typing import Any

import pytest
from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from contract_docs.document import document, to_yaml
from workers.bootstrap.sidecar import sidecar_routes
from workers.monitoring.health import Health, Probe
from workers.monitoring.metrics import Metrics
from workers.monitoring.progress import Progress

DOCUMENT = document()
PATHS = [
    "/",
    "/health/live",
    "/health/ready",
    "/health",
    "/metrics",
    "/asyncapi",
    "/asyncapi.yaml",
    "/.well-known/jwks.json",
    "/.well-known/sealing-keys.json",
]


async def answers() -> None:
    return None


def jwks() -> Mapping[str, Any]:
    return {"keys": [{"kid": "k-1", "use": "sig"}]}


def sealing_jwks() -> Mapping[str, Any]:
    return {"keys": [{"kid": "k-2", "use": "enc"}]}


def a_client(health: Health, registry: CollectorRegistry) -> TestClient:
    routes = sidecar_routes(health, registry, jwks, sealing_jwks, lambda: DOCUMENT)
    return TestClient(AsgiFastStream(KafkaBroker(), asgi_routes=routes))


def a_health(worker: Progress, metrics: Metrics) -> Health:
    probe = Probe(name="kafka", ask=answers)
    return Health(probes=[probe], workers=[worker], watchdog_s=30, metrics=metrics)


@pytest.fixture
def worker() -> Progress:
    return Progress("ledger", joined=True)


@pytest.fixture
async def client(worker: Progress) -> TestClient:
    metrics = Metrics()
    health = a_health(worker, metrics)
    await health.probe()
    return a_client(health, metrics.registry)


class TestSidecar:
    @pytest.mark.parametrize(
        ("path", "kind", "cache"),
        [
            ("/", "text/html; charset=utf-8", "public, max-age=300"),
            ("/health/live", "application/json", "no-store"),
            ("/health/ready", "application/json", "no-store"),
            ("/health", "application/json", "no-store"),
            ("/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store"),
            ("/asyncapi", "text/html; charset=utf-8", "public, max-age=300"),
            ("/asyncapi.yaml", "application/yaml; charset=utf-8", "public, max-age=300"),
            ("/.well-known/jwks.json", "application/jwk-set+json", "public, max-age=30"),
            ("/.well-known/sealing-keys.json", "application/jwk-set+json", "public, max-age=30"),
        ],
    )
    def test_answers_with_type_and_caching(
        self, client: TestClient, path: str, kind: str, cache: str
    ) -> None:
        response = client.get(path)

        assert response.status_code == 200
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == cache
        assert response.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("path", PATHS)
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_takes_no_request_that_could_change_something(
        self, client: TestClient, path: str, method: str
    ) -> None:
        assert client.request(method, path, content=b"{}").status_code == 405

    @pytest.mark.parametrize("path", ["/asyncapi/", "/asyncapi/try", "/health/", "/admin"])
    def test_knows_no_other_path(self, client: TestClient, path: str) -> None:
        assert client.get(path, follow_redirects=False).status_code == 404

    def test_lists_what_there_is(self, client: TestClient) -> None:
        page = client.get("/")

        assert set(findall(r'href="([^"]+)"', page.text)) == set(PATHS) - {"/"}
        assert "default-src 'none'" in page.headers["content-security-policy"]

    def test_says_alive_but_not_ready_while_a_dependency_is_away(
        self, client: TestClient, worker: Progress
    ) -> None:
        worker.busy = True
        worker.wait_for("kafka")

        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health").status_code == 503
        assert client.get("/health").json()["status"] == "not ready"

    def test_says_not_alive_once_a_worker_failed(
        self, client: TestClient, worker: Progress
    ) -> None:
        worker.fail("gone")

        assert client.get("/health/live").status_code == 503
        assert client.get("/health/live").json() == {"live": False}

    def test_exports_the_metrics(self, client: TestClient) -> None:
        text = client.get("/metrics").text

        assert "accounts_lost_races_total 0.0" in text
        assert 'accounts_component_up{component="kafka"} 1.0' in text

    def test_shows_the_contract(self, client: TestClient) -> None:
        assert client.get("/asyncapi.yaml").text == to_yaml(DOCUMENT)
        page = client.get("/asyncapi")
        assert "accounts.commands.deposit" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]

    def test_shows_the_current_keys(self, client: TestClient) -> None:
        assert client.get("/.well-known/jwks.json").json() == jwks()
        assert client.get("/.well-known/sealing-keys.json").json() == sealing_jwks()
