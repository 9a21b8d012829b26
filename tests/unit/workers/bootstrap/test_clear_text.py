"""A start warns of every connection that others can read, and of no other."""

from pathlib import Path
from typing import Any

import pytest

from workers.bootstrap.clear_text import clear_text_warnings
from workers.config.settings import Settings

CA = Path("/etc/accounts/ca.pem")


def warned(**given: Any) -> list[str]:
    """Return the first words of each warning."""
    return [each.split(" ")[0] for each in clear_text_warnings(Settings(**given))]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, []),
        ({"kafka_bootstrap": "localhost:9092,127.0.0.2:9092"}, []),
        ({"kafka_bootstrap": "127.0.0.1:9092,broker:9092"}, ["Kafka"]),
        ({"kafka_bootstrap": "broker:9093", "kafka_security_protocol": "SSL"}, []),
        (
            {
                "kafka_bootstrap": "broker:9092",
                "kafka_security_protocol": "SASL_PLAINTEXT",
                "kafka_sasl_username": "a",
                "kafka_sasl_password": "b",
            },
            ["Kafka"],
        ),
        ({"mongodb_uri": "mongodb://u:p%40@127.0.0.1,[::1]:27018/?replicaSet=r"}, []),
        ({"mongodb_uri": "mongodb://%2Ftmp%2Fmongodb-27017.sock/"}, []),
        ({"mongodb_uri": "mongodb://u:p@127.0.0.1:1,mongo-2/?replicaSet=r"}, ["MongoDB"]),
        ({"mongodb_uri": "mongodb://mongo/?tls=false"}, ["MongoDB"]),
        ({"mongodb_uri": "mongodb://mongo/?TLS=true"}, []),
        ({"mongodb_uri": "mongodb://mongo/?ssl=true"}, []),
        ({"mongodb_uri": "mongodb://mongo/", "mongodb_tls_ca_file": CA}, []),
        ({"mongodb_uri": "mongodb+srv://cluster.example.com/"}, []),
        ({"mongodb_uri": "mongodb+srv://cluster.example.com/?tls=false"}, ["MongoDB"]),
        ({"redis_url": "redis://redis:6379/0"}, ["Redis"]),
        ({"redis_url": "redis://:secret@[::1]:6379/0"}, []),
        ({"redis_url": "rediss://redis:6379/0"}, []),
        ({"redis_url": "unix:///run/redis.sock"}, []),
        ({"sidecar_host": "0.0.0.0"}, ["the"]),
        ({"sidecar_host": "::1"}, []),
    ],
)
def test_a_connection_in_the_clear(given: dict[str, Any], found: list[str]) -> None:
    assert warned(**given) == found


def test_no_warning_repeats_a_password() -> None:
    given: dict[str, Any] = {
        "redis_url": "redis://:hunter2@redis/0",
        "mongodb_uri": "mongodb://u:hunter2@mongo/",
    }

    assert "hunter2" not in " ".join(clear_text_warnings(Settings(**given)))
