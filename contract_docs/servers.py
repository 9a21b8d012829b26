"""Where the service is reached, in each environment, and how one signs in there."""

from typing import Any

Json = dict[str, Any]

SCHEMES: dict[str, Json] = {
    "scram": {
        "type": "scramSha512",
        "description": "A principal's name and password. Where the cluster asks for SCRAM-SHA-256 or PLAIN "
        "instead, use that.",
    },
    "certificate": {
        "type": "X509",
        "description": "A principal's client certificate, where the cluster takes those.",
    },
}
SECURITY = [{"$ref": f"#/components/securitySchemes/{name}"} for name in SCHEMES]
"""One of them is enough."""

DEVELOPMENT = "127.0.0.1:9092"
SIDECAR = (
    "The sidecar, for GET alone: `/.well-known/sealing-keys.json` (the key to seal to), "
    "`/.well-known/jwks.json` (the keys to verify access tokens by), `/health`, `/health/live`, "
    "`/health/ready`, `/metrics`, `/asyncapi` (this document as a page) and `/asyncapi.yaml`. It takes no "
    "command and no request. Where it has a certificate, it is HTTPS."
)


def servers(bootstrap: str | None) -> dict[str, Json]:
    """Return the brokers at *bootstrap*; where they are not known, those of three environments."""
    kafka = _known(bootstrap) if bootstrap else _environments()
    host = {
        "default": "127.0.0.1",
        "description": "Of a worker; whoever runs the service says which.",
    }
    return kafka | {
        "sidecar": {
            "host": "{host}:{port}",
            "protocol": "http",
            "description": SIDECAR,
            "variables": {"host": host, "port": {"default": "8080"}},
        }
    }


def kafka_servers(bootstrap: str | None) -> list[Json]:
    """Return the references of those that have the topics."""
    found = servers(bootstrap).items()
    return [{"$ref": f"#/servers/{name}"} for name, each in found if each["protocol"] != "http"]


def _known(bootstrap: str) -> dict[str, Json]:
    return {
        "kafka": {
            "host": bootstrap.partition(",")[0],
            "protocol": "kafka",
            "description": f"Bootstrap servers: {bootstrap}",
        }
    }


def _environments() -> dict[str, Json]:
    development: Json = {
        "host": DEVELOPMENT,
        "protocol": "kafka",
        "description": "The local one of `make run`, which says its own port. Nobody signs in there.",
    }
    return {"development": development, **{name: _secured(name) for name in _SECURED}}


_SECURED = {
    "staging": "To try a release against. Its users and its money are made up.",
    "production": "Real users and real money.",
}


def _secured(name: str) -> Json:
    return {
        "host": "{host}:{port}",
        "protocol": "kafka-secure",
        "description": f"{_SECURED[name]} Whoever runs the service says the address.",
        "variables": {
            "host": {"default": f"kafka.{name}.example.com", "description": "One of the brokers."},
            "port": {"default": "9093"},
        },
        "security": SECURITY,
    }
