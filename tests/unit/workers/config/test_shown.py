"""P9: what is shown of the settings holds no secret."""

from pathlib import Path

import pytest

from workers.config.settings import ConfigError, load_settings, setting_names
from workers.config.shown import shown
from workers.monitoring.redaction import redact

CANARY = "canary-7f3a"
SECRETS = {
    "ACCOUNTS_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "ACCOUNTS_KAFKA_SASL_USERNAME": "worker",
    "ACCOUNTS_KAFKA_SASL_PASSWORD": CANARY,
    "ACCOUNTS_KAFKA_SSL_KEY_PASSWORD": CANARY,
    "ACCOUNTS_MONGODB_URI": f"mongodb://worker:{CANARY}@db:1/?tlsCertificateKeyFilePassword={CANARY}",
    "ACCOUNTS_REDIS_URL": f"rediss://worker:{CANARY}@cache:2/0",
}


def test_no_secret_is_shown(tmp_path: Path) -> None:
    settings = load_settings(SECRETS, tmp_path)

    assert CANARY not in repr(settings)
    assert CANARY not in str(shown(settings))


def test_no_secret_stands_in_an_error(tmp_path: Path) -> None:
    wrong = SECRETS | {
        "ACCOUNTS_MONGODB_URI": f"http://worker:{CANARY}@db",
        "ACCOUNTS_REDIS_URL": CANARY,
        "ACCOUNTS_LEDGER_LANES": CANARY,
    }

    with pytest.raises(ConfigError) as caught:
        load_settings(wrong, tmp_path)

    assert len(caught.value.problems) == 3
    assert CANARY not in str(caught.value)


def test_every_setting_is_shown_once_with_what_it_is(tmp_path: Path) -> None:
    rows = shown(load_settings({"ACCOUNTS_LIMITS": '{"USD": {"amount_min": "1"}}'}, tmp_path))

    assert [row.name for row in rows] == setting_names()
    assert all(row.about for row in rows)
    [limits] = [row for row in rows if row.name == "limits"]
    assert (limits.value, limits.source) == ('{"USD": {"amount_min": "1"}}', "environment")


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("mongodb://u:p@h:1/d", "mongodb://***@h:1/d"),
        ("mongodb://u:p@ss@h/", "mongodb://***@h/"),
        ("redis://:p@h and mongodb://u:p@h", "redis://***@h and mongodb://***@h"),
        ("mongodb://h/?a=1&xPassword=p&b=2", "mongodb://h/?a=1&xPassword=***&b=2"),
        ("mail a@b.example", "mail a@b.example"),
        ("redis://h:1/0", "redis://h:1/0"),
    ],
)
def test_credentials_inside_of_urls_are_blanked(text: str, redacted: str) -> None:
    assert redact(text) == redacted
