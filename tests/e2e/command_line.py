"""Runs `accounts` as its own process against the test's servers and nothing else."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from devstack.addresses import Addresses
from tests.places import REPOSITORY
from workers.clock import utc_now
from workers.config.settings import Settings, load_settings
from workers.keys.rotation import make_missing

PATIENCE_S = 240.0
"""Far more than any command takes on a machine that others keep busy."""


@dataclass(frozen=True)
class CommandLine:
    """`accounts` in a folder of its own, with exactly these settings."""

    cwd: Path
    environ: Mapping[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        others = {
            name: value for name, value in os.environ.items() if not name.startswith("ACCOUNTS_")
        }
        return subprocess.run(
            [sys.executable, "-m", "workers", *arguments],
            cwd=self.cwd,
            env={**others, "PYTHONPATH": str(REPOSITORY), **self.environ},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def but(self, **settings: str) -> Self:
        """Return the same with other settings."""
        changed = {f"ACCOUNTS_{name.upper()}": value for name, value in settings.items()}
        return replace(self, environ={**self.environ, **changed})

    def settings(self) -> Settings:
        return load_settings(self.environ, self.cwd)


def a_command_line(addresses: Addresses, name: str, cwd: Path) -> CommandLine:
    """Return one whose topics, keys and database nobody else uses."""
    make_missing(cwd / "keys", utc_now())
    return CommandLine(
        cwd,
        {
            "ACCOUNTS_KAFKA_BOOTSTRAP": addresses.kafka,
            "ACCOUNTS_MONGODB_URI": addresses.mongodb,
            "ACCOUNTS_REDIS_URL": addresses.redis,
            "ACCOUNTS_TOPIC_PREFIX": f"{name}.",
            "ACCOUNTS_MONGODB_DATABASE": name,
            "ACCOUNTS_LEDGER_GROUP": f"{name}-ledger",
            "ACCOUNTS_IDENTITY_GROUP": f"{name}-identity",
            "ACCOUNTS_SIGNIN_GROUP": f"{name}-sign-ins",
            "ACCOUNTS_SESSIONS_GROUP": f"{name}-sessions",
            "ACCOUNTS_QUERY_GROUP": f"{name}-queries",
            "ACCOUNTS_PARTITIONS": "3",
            "ACCOUNTS_KEYS_DIR": str(cwd / "keys"),
            "ACCOUNTS_SIDECAR_PORT": "0",
        },
    )
