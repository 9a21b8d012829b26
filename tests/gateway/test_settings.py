"""The gateway's settings, and what it may import."""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples import gateway
from examples.gateway.settings import SettingsError, in_the_clear, load_settings

NEEDED = {"GATEWAY_KAFKA_BOOTSTRAP": "kafka:9092", "GATEWAY_JWKS_URL": "https://keys/jwks.json"}
ISSUER = {
    "GATEWAY_KAFKA_BOOTSTRAP": "kafka:9092",
    "GATEWAY_ISSUER": "https://login.example/",
    "GATEWAY_AUDIENCE": "https://api.example",
}
ALLOWED = {
    *("client", "contracts", "examples", "fastapi", "prometheus_client"),
    *("httpx2", "joserfc", "jwt"),  # for the keys and tokens of another issuer
    *("pydantic", "starlette", "uvicorn"),  # what FastAPI is made of and served by
    *sys.stdlib_module_names,
}


class TestSettings:
    def test_come_from_the_environment(self, tmp_path: Path) -> None:
        environ = {**NEEDED, "GATEWAY_PORT": "9000", "GATEWAY_ANSWER_TIMEOUT_S": "2.5"}

        settings = load_settings(environ, tmp_path)

        assert settings.kafka_bootstrap == "kafka:9092"
        assert settings.jwks_url == "https://keys/jwks.json"
        assert settings.sealing_keys_url == "https://keys/sealing-keys.json"
        assert (settings.port, settings.answer_timeout_s) == (9000, 2.5)

    def test_come_from_the_dev_stack_that_runs(self, tmp_path: Path) -> None:
        _dev_stack(tmp_path, os.getpid())

        settings = load_settings({"GATEWAY_TOPIC_PREFIX": ""}, tmp_path)

        assert settings.kafka_bootstrap == "127.0.0.1:19092"
        assert settings.jwks_url == "http://127.0.0.1:8081/.well-known/jwks.json"
        assert settings.sealing_keys_url == "http://127.0.0.1:8081/.well-known/sealing-keys.json"
        assert settings.topic_prefix == "dev."

    def test_prefer_the_environment(self, tmp_path: Path) -> None:
        _dev_stack(tmp_path, os.getpid())

        assert load_settings(NEEDED, tmp_path).kafka_bootstrap == "kafka:9092"

    @pytest.mark.parametrize("pid", ["0x", "", 2**40])
    def test_take_nothing_from_a_dev_stack_that_has_ended(
        self, tmp_path: Path, pid: object
    ) -> None:
        _dev_stack(tmp_path, pid)

        with pytest.raises(SettingsError, match="make run"):
            load_settings({}, tmp_path)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PORT", "x"),
            ("PORT", "65536"),
            ("PORT", "-1"),
            ("ANSWER_TIMEOUT_S", "nan"),
            ("TRUSTED_PROXIES", "proxy.example"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, x"),
            ("CORS_ORIGINS", "*"),
            ("CORS_ORIGINS", "https://shop.example/"),
            ("CORS_ORIGINS", "shop.example"),
            ("REGISTRATIONS_PER_MINUTE", "0"),
        ],
    )
    def test_say_what_is_wrong(self, tmp_path: Path, name: str, value: str) -> None:
        with pytest.raises(SettingsError, match=f"GATEWAY_{name}"):
            load_settings({**NEEDED, f"GATEWAY_{name}": value}, tmp_path)

    @pytest.mark.parametrize("proxies", ["*", "10.0.0.1", "10.0.0.0/8, ::1"])
    def test_say_which_proxies_are_trusted(self, tmp_path: Path, proxies: str) -> None:
        environ = {**NEEDED, "GATEWAY_TRUSTED_PROXIES": proxies}

        assert load_settings(environ, tmp_path).trusted_proxies == proxies

    def test_say_whose_pages_may_call(self, tmp_path: Path) -> None:
        environ = {**NEEDED, "GATEWAY_CORS_ORIGINS": "https://a.example, http://b.example:8080"}

        origins = load_settings(environ, tmp_path).cors_origins

        assert origins == ("https://a.example", "http://b.example:8080")

    def test_name_another_issuer(self, tmp_path: Path) -> None:
        """With a slash at its end, as some are called, and without the addresses of our own keys."""
        settings = load_settings(ISSUER, tmp_path)

        issuer = settings.issuer
        assert issuer is not None
        assert (issuer.url, issuer.audience) == ("https://login.example/", "https://api.example")
        assert issuer.discovery_url == "https://login.example/.well-known/openid-configuration"
        assert issuer.username_claim == "sub"
        assert in_the_clear(settings) == [
            "Kafka; set GATEWAY_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL"
        ]

    @pytest.mark.parametrize(
        ("changed", "match"),
        [
            ({"AUDIENCE": ""}, "GATEWAY_AUDIENCE is not set"),
            ({"ISSUER": ""}, "GATEWAY_AUDIENCE means nothing without"),
            (
                {"ISSUER": "", "AUDIENCE": "", "USERNAME_CLAIM": "oid"},
                "GATEWAY_USERNAME_CLAIM means",
            ),
            ({"ISSUER": "http://login.example"}, "GATEWAY_ISSUER is no URL"),
            ({"ISSUER": "login.example"}, "GATEWAY_ISSUER is no URL"),
            ({"ISSUER": "https://login.example/?a=b"}, "GATEWAY_ISSUER is no URL"),
            ({"ISSUER": "https://user@login.example"}, "GATEWAY_ISSUER is no URL"),
            ({"ISSUER": "https://login.example:99999"}, "GATEWAY_ISSUER is no URL"),
            ({"ISSUER": "https://[::1"}, "GATEWAY_ISSUER is no URL"),
            ({"ISSUER": "https://login.example/\n"}, "GATEWAY_ISSUER is no URL"),
            ({"JWKS_URL": "https://keys/jwks.json"}, "GATEWAY_JWKS_URL is for the service's own"),
            ({"TOKEN_AUDIENCE": "a"}, "GATEWAY_TOKEN_AUDIENCE is for the service's own"),
        ],
    )
    def test_say_what_is_wrong_with_another_issuer(
        self, tmp_path: Path, changed: dict[str, str], match: str
    ) -> None:
        environ = ISSUER | {f"GATEWAY_{name}": value for name, value in changed.items()}

        with pytest.raises(SettingsError, match=match):
            load_settings(environ, tmp_path)

    @pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
    def test_take_an_issuer_on_this_machine_in_the_clear(self, tmp_path: Path, host: str) -> None:
        environ = ISSUER | {"GATEWAY_ISSUER": f"http://{host}/realms/shop"}

        assert load_settings(environ, tmp_path).issuer is not None

    def test_say_how_to_log_in_to_kafka(self, tmp_path: Path) -> None:
        environ = {
            **NEEDED,
            "GATEWAY_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "GATEWAY_KAFKA_SASL_USERNAME": "gateway",
            "GATEWAY_KAFKA_SASL_PASSWORD": "secret",
        }

        settings = load_settings(environ, tmp_path)

        security = settings.security()
        assert security.get("sasl_mechanism") == "SCRAM-SHA-512"
        assert security.get("sasl_plain_username") == "gateway"
        assert security.get("ssl_context") is not None
        assert "secret" not in repr(settings)

    def test_are_plain_without_any(self, tmp_path: Path) -> None:
        assert load_settings(NEEDED, tmp_path).security() == {"security_protocol": "PLAINTEXT"}


@pytest.mark.parametrize(
    ("changed", "warned_of"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "SSL"}, []),
        ({}, ["Kafka"]),
        ({"KAFKA_BOOTSTRAP": "127.0.0.1:9092,localhost:9093"}, []),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, ["Kafka"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "JWKS_URL": "http://keys/jwks.json"}, ["the key set"]),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL", "JWKS_URL": "http://[::1]:1/jwks.json"}, []),
    ],
)
def test_what_is_in_the_clear_beyond_this_machine(
    tmp_path: Path, changed: dict[str, str], warned_of: list[str]
) -> None:
    given = {**NEEDED, **{f"GATEWAY_{name}": value for name, value in changed.items()}}

    found = in_the_clear(load_settings(given, tmp_path))

    assert [each.partition(";")[0].partition(",")[0] for each in found] == warned_of


def test_the_gateway_uses_the_client_and_the_contract_alone() -> None:
    ours = {name for name in _imported() if name.startswith("examples")}
    assert {name.partition(".")[0] for name in _imported()} <= ALLOWED
    assert all(name.startswith("examples.gateway") for name in ours)


def _imported() -> Iterator[str]:
    for path in Path(gateway.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.module is not None
                yield node.module


def _dev_stack(directory: Path, pid: object) -> None:
    (directory / ".accounts").mkdir()
    lines = [
        "ACCOUNTS_KAFKA_BOOTSTRAP=127.0.0.1:19092",
        "ACCOUNTS_TOPIC_PREFIX=dev.",
        "ACCOUNTS_SIDECAR_HOST=0.0.0.0",
        "ACCOUNTS_SIDECAR_PORT=8081",
        f"ACCOUNTS_DEV_PID={pid}",
    ]
    (directory / ".accounts" / "dev.env").write_text("\n".join(lines))
