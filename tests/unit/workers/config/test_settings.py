"""Settings: where they come from, and one clear line for each thing that is wrong."""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from workers.config.ledger import LedgerOptions
from workers.config.renamed import RENAMED
from workers.config.settings import ConfigError, load_settings, setting_names


def problems(environ: dict[str, str], cwd: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ, cwd)
    return caught.value.problems


def dev_file(cwd: Path, pid: int, *lines: str) -> None:
    file = cwd / ".accounts" / "dev.env"
    file.parent.mkdir()
    file.write_text("\n".join([f"ACCOUNTS_DEV_PID={pid}", *lines]))


def toml_file(cwd: Path, content: str) -> dict[str, str]:
    file = cwd / "accounts.toml"
    file.write_text(content)
    return {"ACCOUNTS_CONFIG": str(file)}


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


class TestSources:
    def test_defaults_are_enough(self, tmp_path: Path) -> None:
        settings = load_settings({}, tmp_path)

        assert settings.kafka_bootstrap == "127.0.0.1:9092"
        assert settings.ledger == LedgerOptions()
        assert settings.source("kafka_bootstrap") == "default"

    def test_environment_goes_before_file_before_dev_stack(self, tmp_path: Path) -> None:
        environ = toml_file(tmp_path, 'topic_prefix = "file."\nmongodb_database = "file"')
        dev_file(
            tmp_path,
            os.getpid(),
            "ACCOUNTS_TOPIC_PREFIX=dev.",
            "ACCOUNTS_MONGODB_DATABASE=dev",
            "ACCOUNTS_KAFKA_BOOTSTRAP=127.0.0.1:1",
        )

        settings = load_settings({**environ, "ACCOUNTS_TOPIC_PREFIX": "env."}, tmp_path)

        assert settings.topic_prefix == "env."
        assert settings.source("topic_prefix") == "environment"
        assert settings.mongodb_database == "file"
        assert settings.source("mongodb_database").startswith("file ")
        assert settings.kafka_bootstrap == "127.0.0.1:1"
        assert settings.source("kafka_bootstrap") == "running dev stack"

    def test_a_dead_dev_stack_is_ignored(self, tmp_path: Path) -> None:
        dev_file(tmp_path, ended_process(), "ACCOUNTS_TOPIC_PREFIX=dev.")

        assert load_settings({}, tmp_path).topic_prefix == "accounts."

    def test_tables_of_a_file_only_group_names(self, tmp_path: Path) -> None:
        environ = toml_file(
            tmp_path,
            """
            [kafka]
            bootstrap = "k:1"
            [ledger]
            lanes = 3
            [assets]
            BTC = 8
            [limits.BTC]
            amount_min = "0.0001"
            """,
        )

        settings = load_settings(environ, tmp_path)

        assert settings.kafka_bootstrap == "k:1"
        assert settings.ledger.lanes == 3
        assert settings.rules().currencies["BTC"].amount_minor_min == 10_000

    def test_an_empty_variable_is_not_set(self, tmp_path: Path) -> None:
        settings = load_settings({"ACCOUNTS_TOPIC_PREFIX": ""}, tmp_path)

        assert settings.topic_prefix == "accounts."

    @pytest.mark.parametrize(
        "variable",
        [
            "ACCOUNTS_SERVICE_HOST",
            "ACCOUNTS_SERVICE_PORT_HTTP",
            "ACCOUNTS_PORT",
            "ACCOUNTS_PORT_8080_TCP_ADDR",
            "ACCOUNTS_WORKER_PORT_80_TCP",
            "ACCOUNTS_TEST_KAFKA",
        ],
    )
    def test_variables_of_others_are_left_alone(self, variable: str, tmp_path: Path) -> None:
        assert load_settings({variable: "tcp://10.0.0.1:80"}, tmp_path)

    def test_reply_topics_follow_the_prefix(self, tmp_path: Path) -> None:
        settings = load_settings({"ACCOUNTS_TOPIC_PREFIX": "a.b."}, tmp_path)

        assert settings.reply_to_pattern == r"a\.b\.replies\..+"

    def test_every_bound_of_the_workers_is_a_setting(self, tmp_path: Path) -> None:
        names = [name for name in setting_names() if name.startswith(("ledger_", "worker_"))]
        environ = {f"ACCOUNTS_{name.upper()}": "7000" for name in names}

        settings = load_settings(environ, tmp_path)

        assert {settings.source(name) for name in names} == {"environment"}
        assert {str(value) for value in asdict(settings.ledger).values()} == {"7000"}
        assert settings.rules().clock_skew_ms == 7000


class TestWrongConfiguration:
    def test_a_misspelled_variable_is_named_with_the_right_one(self, tmp_path: Path) -> None:
        [problem] = problems({"ACCOUNTS_KAFKA_BOTSTRAP": "x:1"}, tmp_path)

        assert problem == (
            "ACCOUNTS_KAFKA_BOTSTRAP (environment): no such setting; "
            "did you mean ACCOUNTS_KAFKA_BOOTSTRAP?"
        )

    def test_a_misspelled_key_of_a_file_is_named(self, tmp_path: Path) -> None:
        environ = toml_file(tmp_path, "[ledger]\nlane = 2")

        [problem] = problems(environ, tmp_path)

        assert problem.startswith("ledger.lane (file ")
        assert problem.endswith("did you mean ledger_lanes?")

    @pytest.mark.parametrize(("old", "new"), RENAMED.items())
    def test_an_old_name_is_refused_with_the_new_one(
        self, old: str, new: str, tmp_path: Path
    ) -> None:
        [variable] = problems({f"ACCOUNTS_{old.upper()}": "7000"}, tmp_path)
        [key] = problems(toml_file(tmp_path, old.replace("_", ".", 1) + " = 7000"), tmp_path)

        assert variable == (
            f"ACCOUNTS_{old.upper()} (environment): was renamed; set ACCOUNTS_{new.upper()} instead"
        )
        assert key.startswith(f"{old.replace('_', '.', 1)} (file ")
        assert key.endswith(f": was renamed; set {new} instead")
        assert new in setting_names()

    def test_an_old_name_is_refused_beside_the_new_one(self, tmp_path: Path) -> None:
        names = ("LEDGER_SESSION_TIMEOUT_MS", "WORKER_SESSION_TIMEOUT_MS")

        [problem] = problems({f"ACCOUNTS_{name}": "7000" for name in names}, tmp_path)

        assert problem.endswith("set ACCOUNTS_WORKER_SESSION_TIMEOUT_MS instead")

    def test_a_bound_that_is_no_number_is_named_as_it_was_set(self, tmp_path: Path) -> None:
        [problem] = problems({"ACCOUNTS_WORKER_REPLY_RETRY_S": "soon"}, tmp_path)

        assert problem.startswith("ACCOUNTS_WORKER_REPLY_RETRY_S (environment): input should be")

    def test_everything_wrong_is_said_at_once(self, tmp_path: Path) -> None:
        environ = {
            "ACCOUNTS_SIDECAR_PORT": "http",
            "ACCOUNTS_LEDGER_LANES": "2.5",
            "ACCOUNTS_A": "1",
        }

        found = problems(environ, tmp_path)

        assert [line.split(" ")[0] for line in found] == [
            "ACCOUNTS_A",
            "ACCOUNTS_SIDECAR_PORT",
            "ACCOUNTS_LEDGER_LANES",
        ]

    @pytest.mark.parametrize(
        ("variable", "value", "said"),
        [
            ("KAFKA_BOOTSTRAP", "kafka", "does not look like 127.0.0.1:9092"),
            ("KAFKA_SECURITY_PROTOCOL", "TLS", "input should be 'PLAINTEXT', 'SSL'"),
            ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "needs kafka_sasl_username and"),
            ("KAFKA_SSL_CAFILE", "ca.pem", "does not use TLS"),
            ("KAFKA_SSL_KEYFILE", "key.pem", "needs kafka_ssl_certfile"),
            ("TOPIC_PREFIX", "with space", "does not look like accounts."),
            ("PARTITIONS", "0", "greater than or equal to 1"),
            ("MONGODB_URI", "http://127.0.0.1", "does not look like mongodb://127.0.0.1:27017/"),
            ("MONGO_DRIVER", "mongo", "input should be 'pymongo' or 'motor'"),
            ("REDIS_URL", "127.0.0.1:6379", "does not look like redis://127.0.0.1:6379/0"),
            ("REPLY_TO_PATTERN", "(", "not a regular expression"),
            ("LEDGER_LANES", "0", "ledger_lanes must be 1 or more"),
            ("LEDGER_CLOCK_SKEW_MS", "-1", "ledger_clock_skew_ms must be 0 or more"),
            ("WORKER_RETRY_BACKOFF_MAX_MS", "1", "must not be below"),
            ("WORKER_RETRY_BACKOFF_MAX_MS", "60001", "must not be above 60000"),
            ("STATE_SWEEP_S", "86400", "must be below 86400, the compaction lag"),
            ("PASSWORD_SCHEME", "md5", "input should be 'bcrypt_sha256' or 'argon2id'"),
            ("LIMITS", "{", "is not JSON"),
            ("LIMITS", "[]", "must be a JSON object"),
            ("LIMITS", '{"XQX": {}}', "limits.XQX: unknown currency"),
            ("LIMITS", '{"USD": {"amount_min": "0.001"}}', "USD has 2 decimals at most"),
            ("LIMITS", '{"USD": {"amount_min": 0.01}}', "USD.amount_min: input should be a valid"),
            ("LIMITS", '{"USD": {"deposit_max": "0"}}', "must be above zero"),
            ("LIMITS", f'{{"USD": {{"deposit_max": "{10**26}.01"}}}}', f"at most {10**26}.00 USD"),
            ("LIMITS", '{"USD": {"max": "1"}}', "USD.max: extra inputs"),
            ("LIMITS", '{"USD": {"amount_min": "2", "deposit_max": "1"}}', "nothing would pass"),
            ("ASSETS", '{"ETH": 19}', "ETH: input should be less than or equal to 18"),
            ("ASSETS", '{"USD": 3}', "ISO 4217 gives USD 2 decimals"),
            ("HOUSES", "external,House", "1: string should match pattern"),
            ("HOUSES", "external, transit", "transit is the service's own"),
            ("HOUSES", "fees", "must have external"),
            ("CONFIG", "no/such/file.toml", "cannot read no/such/file.toml"),
        ],
    )
    def test_a_wrong_value_is_one_line(
        self, variable: str, value: str, said: str, tmp_path: Path
    ) -> None:
        [problem] = problems({f"ACCOUNTS_{variable}": value}, tmp_path)

        assert said in problem
        assert "\n" not in problem

    def test_a_file_that_is_not_toml_is_one_line(self, tmp_path: Path) -> None:
        [problem] = problems(toml_file(tmp_path, "= 1"), tmp_path)

        assert "is not TOML" in problem


class TestHouses:
    @pytest.mark.parametrize(
        ("written", "named"),
        [
            ({}, ("external", "fees", "adjustments", "opening")),
            ({"ACCOUNTS_HOUSES": "external, tips"}, ("external", "tips")),
        ],
    )
    def test_are_what_movements_may_name(
        self, written: dict[str, str], named: tuple[str, ...], tmp_path: Path
    ) -> None:
        assert set(load_settings(written, tmp_path).rules().houses) == set(named)


class TestLimits:
    def test_stand_in_minor_units(self, tmp_path: Path) -> None:
        limits = '{"USD": {"deposit_max": "500.5"}, "JPY": {"withdraw_max": "7"}}'

        currencies = load_settings({"ACCOUNTS_LIMITS": limits}, tmp_path).rules().currencies

        assert currencies["USD"].deposit_minor_max == 50_050
        assert currencies["JPY"].withdraw_minor_max == 7
        assert currencies["KWD"].scale == 3

    def test_an_asset_is_a_currency(self, tmp_path: Path) -> None:
        rules = load_settings({"ACCOUNTS_ASSETS": '{"BTC": 8}'}, tmp_path).rules()

        assert rules.currencies["BTC"].scale == 8

    def test_reach_as_far_as_amounts_do(self, tmp_path: Path) -> None:
        environ = {
            "ACCOUNTS_ASSETS": '{"ETH": 18}',
            "ACCOUNTS_LIMITS": '{"ETH": {"deposit_max": "10000000000", "amount_min": "0.00000000000000001"}}',
        }

        ether = load_settings(environ, tmp_path).rules().currencies["ETH"]

        assert (ether.scale, ether.deposit_minor_max, ether.amount_minor_min) == (18, 10**28, 10)
