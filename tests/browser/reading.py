"""The page of the contract in a browser, as the sidecar serves it, and all that the browser complains of."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal

from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker
from playwright.sync_api import Browser, Page
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from contract_docs.document import document
from workers.bootstrap.sidecar import sidecar_routes
from workers.monitoring.health import Health
from workers.monitoring.metrics import Metrics

SIZES = {"phone": (390, 844), "desktop": (1440, 900)}
SECURE = "https://contract.test"
"""Where a page may write to the clipboard."""
INSECURE = "http://contract.test"
"""Where it may not: as a sidecar is read from another machine."""
DOCUMENT = document()
SHIFTS = """
globalThis.shifts = [];
new PerformanceObserver((list) => {
  const moved = list.getEntries().flatMap((entry) => entry.sources);
  shifts.push(...moved.map(({ node }) => (node?.outerHTML ?? node?.data ?? "").slice(0, 120)));
}).observe({ type: "layout-shift", buffered: true });
"""
"""Remembers what moved by itself once it was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads the page, and on what."""

    size: str = "desktop"
    scheme: Literal["light", "dark"] = "light"
    scripts: bool = True
    origin: str = SECURE


@cache
def served() -> tuple[dict[str, str], bytes]:
    """Return the headers and the body with which the sidecar answers."""
    health = Health(probes=[], workers=[], watchdog_s=30, metrics=Metrics())
    routes = sidecar_routes(health, CollectorRegistry(), dict, dict, lambda: DOCUMENT)
    answer = TestClient(AsgiFastStream(KafkaBroker(), asgi_routes=routes)).get("/asyncapi")
    return dict(answer.headers), answer.content


@contextmanager
def opened(browser: Browser, reader: Reader, address: str = "") -> Generator[Page]:
    """Yield the page, or what is at *address*; at the end, fail for all that the browser complained of."""
    width, height = SIZES[reader.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=reader.scheme,
        java_script_enabled=reader.scripts,
        has_touch=reader.size == "phone",
    )
    headers, body = served()
    asked: list[str] = []
    complaints: list[str] = []
    try:
        page = context.new_page()
        page.add_init_script(SHIFTS)
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(error.message))
        page.on("request", lambda request: asked.append(request.url))
        page.route(
            f"{reader.origin}/asyncapi", lambda route: route.fulfill(headers=headers, body=body)
        )
        page.goto(address or f"{reader.origin}/asyncapi")
        yield page
    finally:
        context.close()
    assert complaints == []
    assert asked == [address or f"{reader.origin}/asyncapi"]
