"""Every setting, checked once at the start. The only file that reads the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from contracts.ledger import House
from contracts.money import SCALE_MAX, Currency
from contracts.topics import DAY_MS, PARTITIONS_DEFAULT, REPLIES
from handlers.model.house import CONFIGURED
from handlers.model.rules import Rules
from workers.config.connections import Connections, Positive
from workers.config.ledger import LedgerOptions
from workers.config.limits import (
    CurrencyLimits,
    build_rules,
    house_problems,
    parse_names,
    parse_object,
)
from workers.config.reader import BACKOFF_MS_MAX, ReaderOptions
from workers.config.sources import (
    PREFIX,
    ConfigError,
    FoundSetting,
    read_sources,
    set_by_name,
)

PARTITIONS_MAX = 1000
"""Far above what one group of workers can use; a typing error stops here, not in Kafka."""

BCRYPT_ROUNDS_MIN = 4
"""bcrypt's own lower bound: fit for tests only; the start-up check warns of it."""

BCRYPT_ROUNDS_MAX = 16
"""About four seconds for each password; more would let registrations pile up for hours."""

HASH_THREADS_MAX = 64
"""More than any machine here has cores."""

DAY_S = DAY_MS // 1000

SESSION_S_MAX = 366 * DAY_S
"""A year: who has not signed in for longer should prove again that it is them."""

ACCESS_TOKEN_S_MAX = DAY_S
"""Half of what a revocation is kept: a gateway that starts must still find it."""

MAY_BE_ZERO = {"clock_skew_ms", "states_again_max"}
"""The ledger's bounds for which zero means something: none at all."""

OF_EVERY_WORKER = {field.name for field in fields(ReaderOptions)}
"""The bounds that all workers keep, not only the ledger's."""

BOUNDS = {
    f"{'worker' if field.name in OF_EVERY_WORKER else 'ledger'}_{field.name}": field.name
    for field in fields(LedgerOptions)
}
"""Setting → the bound that it sets."""

Assets = Annotated[
    dict[Currency, Annotated[int, Field(ge=0, le=SCALE_MAX)]], BeforeValidator(parse_object)
]
Limits = Annotated[dict[Currency, CurrencyLimits], BeforeValidator(parse_object)]
Houses = Annotated[tuple[House, ...], BeforeValidator(parse_names)]


def _own_reply_topics(data: Mapping[str, Any]) -> str:
    return re.escape(f"{data.get('topic_prefix', '')}{REPLIES}") + ".+"


class Settings(Connections):
    """What can be configured; each value knows where it came from (`source`)."""

    topic_prefix: str = Field("accounts.", pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$")
    """Start of the name of every topic."""
    partitions: int = Field(PARTITIONS_DEFAULT, ge=1, le=PARTITIONS_MAX)
    """Partitions of each topic that `accounts topics apply` creates; 64 or more for production."""
    replication_factor: int = Field(1, ge=1, le=10)
    """Copies of each topic that `accounts topics apply` creates; 3 for production."""
    reply_to_pattern: str = Field(default_factory=_own_reply_topics)
    """Regular expression that a command's whole `reply_to` must match."""
    identity_group: str = Field("accounts-identity", min_length=1)
    """Consumer group of the identity worker that hashes the passwords of new accounts."""
    signin_group: str = Field("accounts-sign-ins", min_length=1)
    """Consumer group for sign-ins and changes of password: what waits for a hash."""
    sessions_group: str = Field("accounts-sessions", min_length=1)
    """Consumer group for refreshes and logouts: what waits for no hash."""
    query_group: str = Field("accounts-queries", min_length=1)
    """Consumer group of the query worker."""

    undecodable_batches: Literal["skip", "stop"] = "skip"
    """A batch that nobody can decode: `skip` it with a dead letter, or `stop` its partition."""

    keys_dir: Path = Path("keys")
    """Folder of the sealing, signing and mac keys, one JWK file each."""
    password_scheme: Literal["bcrypt_sha256", "argon2id"] = "bcrypt_sha256"  # noqa: S105 - a name
    """How new passwords are hashed."""
    password_bcrypt_rounds: int = Field(12, ge=BCRYPT_ROUNDS_MIN, le=BCRYPT_ROUNDS_MAX)
    """Cost of bcrypt; each step doubles the work (12: about 230 ms)."""
    password_hash_threads: int = Field(1, ge=1, le=HASH_THREADS_MAX)
    """Passwords hashed side by side: one core or more should be left to money."""

    token_issuer: str = Field("accounts", min_length=1, max_length=200)
    """The `iss` of access tokens."""
    token_audience: str = Field("accounts", min_length=1, max_length=200)
    """The `aud` of access tokens: whom they are for."""
    access_token_s: int = Field(300, ge=10, le=ACCESS_TOKEN_S_MAX)
    """How long an access token is good: how late somebody notices who never hears of revocations."""
    refresh_token_s: int = Field(30 * DAY_S, ge=60, le=SESSION_S_MAX)
    """How long a session lasts, however often it is refreshed."""
    token_leeway_s: int = Field(5, ge=0, le=60)
    """How far the clocks of whoever makes and checks tokens may be apart."""
    request_age_max_s: int = Field(300, ge=10, le=DAY_S)
    """How old a sign-in, refresh, logout or change of password may be, by broker time."""

    assets: Assets = Field(default_factory=dict)
    """Further currencies and their decimals, as JSON: `{"BTC": 8}`."""
    limits: Limits = Field(default_factory=dict)
    """Limits by currency, as JSON: `{"USD": {"amount_min": "0.01", "withdraw_max": "500.00"}}`."""
    houses: Houses = CONFIGURED
    """House accounts that deposits and withdrawals may name as their other side, separated by commas."""
    currencies_max: int = Field(50, ge=1, le=500)
    """Currencies in one account: an account stays one small document."""

    ledger: LedgerOptions = LedgerOptions()
    """The workers' bounds, one setting each: `ledger_lanes`, `worker_session_timeout_ms`, …"""
    watchdog_s: Positive = 60
    """How long records may wait without progress before the process ends."""
    state_sweep_s: Positive = 21_600
    """How often every account's state is published again; shorter than the compaction lag."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged."""
    log_format: Literal["text", "json"] = "text"
    """How log lines look."""

    sources: dict[str, str] = Field(default_factory=dict, repr=False)
    """Setting → where its value came from; defaults are absent."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        problems = [
            *_bounds_problems(self.ledger),
            *self.kafka_problems(),
            *self.sidecar_problems(),
            *house_problems(self.houses),
        ]
        if self.ledger.publish_deadline_ms >= self.watchdog_s * 1000:
            problems.append(
                "worker_publish_deadline_ms must be below watchdog_s, or a first try that is slow "
                "counts as no progress"
            )
        if self.state_sweep_s * 1000 >= DAY_MS:
            problems.append(
                f"state_sweep_s must be below {DAY_MS // 1000}, the compaction lag of the state "
                "topic, or compaction may keep an older state"
            )
        try:
            re.compile(self.reply_to_pattern)
        except re.error as error:
            problems.append(f"reply_to_pattern is not a regular expression: {error}")
        try:
            if self.assets or self.limits:  # without them nothing can be wrong
                self.rules()
        except ValueError as error:
            problems.append(str(error))
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def rules(self) -> Rules:
        """Return what the core decides by."""
        return build_rules(
            self.assets,
            self.limits,
            currencies_max=self.currencies_max,
            houses=self.houses,
            clock_skew_ms=self.ledger.clock_skew_ms,
        )

    def source(self, name: str) -> str:
        """Return where the value of *name* came from, as a reader would say it."""
        return self.sources.get(name, "default")


def _bounds_problems(options: LedgerOptions) -> list[str]:
    problems: list[str] = []
    for name, bound in BOUNDS.items():
        value = getattr(options, bound)
        least = 0 if bound in MAY_BE_ZERO else 1
        if isinstance(value, int) and value < least:
            problems.append(f"{name} must be {least} or more")
    if options.retry_backoff_max_ms < options.retry_backoff_ms:
        problems.append("worker_retry_backoff_max_ms must not be below worker_retry_backoff_ms")
    if options.retry_backoff_max_ms > BACKOFF_MS_MAX:
        problems.append(
            f"worker_retry_backoff_max_ms must not be above {BACKOFF_MS_MAX}, or the watchdog takes "
            "a wait for a standstill"
        )
    if not options.group:
        problems.append("ledger_group must not be empty")
    return problems


def setting_names() -> list[str]:
    """Return every setting's name, the workers' bounds one by one."""
    names: list[str] = []
    for name in Settings.model_fields:
        if name == "ledger":
            names += BOUNDS
        elif name != "sources":
            names.append(name)
    return names


def load_settings(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Return the settings from the environment, a file, the running dev stack and the defaults.

    Raises:
        ConfigError: With one line for each thing that is wrong.
    """
    environ = os.environ if environ is None else environ
    found, problems = read_sources(environ, cwd or Path.cwd(), setting_names())
    values: dict[str, Any] = {"ledger": {}}
    for name, setting in found.items():
        place = values["ledger"] if name in BOUNDS else values
        place[BOUNDS.get(name, name)] = setting.value
    try:
        settings = Settings(
            **values, sources={name: setting.source for name, setting in found.items()}
        )
    except ValidationError as error:
        raise ConfigError(*problems, *_lines(error, found)) from None
    if problems:
        raise ConfigError(*problems)
    return settings


def _lines(error: ValidationError, found: Mapping[str, FoundSetting]) -> list[str]:
    """Say each problem in one line that never repeats the value: it may be a secret."""
    lines: list[str] = []
    for detail in error.errors(include_input=False, include_url=False, include_context=False):
        if detail["type"] == "default_factory_not_called":  # only follows from another error
            continue
        message = detail["msg"].removeprefix("Value error, ")
        loc = [str(part) for part in detail["loc"]]
        if not loc:
            lines += message.split("\n")
            continue
        [name] = [name for name, bound in BOUNDS.items() if loc == ["ledger", bound]] or loc[:1]
        inside = "" if name in BOUNDS else ".".join(loc[1:])
        where = set_by_name(name, found)
        if detail["type"] == "string_pattern_mismatch" and not inside:
            message = f"does not look like {Settings.model_fields[name].default}"
        lines.append(f"{where}: {inside + ': ' if inside else ''}{message[0].lower()}{message[1:]}")
    return lines


__all__ = ["PREFIX", "ConfigError", "Settings", "load_settings", "setting_names"]
