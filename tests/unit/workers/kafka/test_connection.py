"""The Kafka settings as the clients take them."""

import ssl
from pathlib import Path

import pytest
from faststream.security import SASLScram256

from workers.config.settings import ConfigError, Settings, load_settings
from workers.kafka.connection import kafka_connection
from workers.kafka.security import kafka_security

SIGNED_IN = {
    "ACCOUNTS_KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
    "ACCOUNTS_KAFKA_SASL_USERNAME": "worker",
    "ACCOUNTS_KAFKA_SASL_PASSWORD": "secret",
}


def a_connection(protocol: str, **environ: str) -> Settings:
    return load_settings({"ACCOUNTS_KAFKA_SECURITY_PROTOCOL": protocol, **environ}, Path())


def test_plaintext_needs_only_the_brokers() -> None:
    settings = a_connection("PLAINTEXT", ACCOUNTS_KAFKA_BOOTSTRAP="a:1,b:2")

    assert kafka_connection(settings) == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
    }
    assert not kafka_security(settings).use_ssl


def test_sasl_signs_in() -> None:
    settings = a_connection("SASL_PLAINTEXT", **SIGNED_IN)

    connection = kafka_connection(settings)

    assert connection["sasl_mechanism"] == "SCRAM-SHA-256"
    assert connection["sasl_plain_username"] == "worker"
    assert connection["sasl_plain_password"] == "secret"
    assert "ssl_context" not in connection


def test_tls_checks_who_answers() -> None:
    connection = kafka_connection(a_connection("SASL_SSL", **SIGNED_IN))

    assert connection["ssl_context"].verify_mode is ssl.CERT_REQUIRED
    assert connection["ssl_context"].check_hostname


def test_faststream_gets_the_same() -> None:
    security = kafka_security(a_connection("SASL_SSL", **SIGNED_IN))

    assert isinstance(security, SASLScram256)
    assert (security.username, security.password) == ("worker", "secret")
    assert security.use_ssl


@pytest.mark.parametrize("setting", ["CAFILE", "CERTFILE"])
def test_a_file_that_cannot_be_used_is_one_line(setting: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")

    for path in (wrong, tmp_path / "missing.pem"):
        settings = a_connection("SSL", **{f"ACCOUNTS_KAFKA_SSL_{setting}": str(path)})
        with pytest.raises(ConfigError) as caught:
            kafka_connection(settings)

        [problem] = caught.value.problems
        assert "readable PEM files" in problem
