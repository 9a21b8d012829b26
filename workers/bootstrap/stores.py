"""The connection settings of MongoDB and Redis, as their adapters take them."""

from pathlib import Path

from storage.mongo.client import MongoOptions
from storage.ports.account_keys import AccountKeys
from storage.redis import RedisOptions
from workers.config.settings import Settings


def mongo_options(settings: Settings, keys: AccountKeys | None = None) -> MongoOptions:
    """Return where MongoDB is and how to get in; *keys* of whoever reads or writes accounts."""
    own_tls = settings.mongodb_tls_ca_file or settings.mongodb_tls_certificate_key_file
    return MongoOptions(
        uri=settings.mongodb_uri,
        database=settings.mongodb_database,
        driver=settings.mongo_driver,
        timeout_ms=settings.mongodb_timeout_ms,
        tls=True if own_tls else None,
        tls_ca_file=_name(settings.mongodb_tls_ca_file),
        tls_certificate_key_file=_name(settings.mongodb_tls_certificate_key_file),
        account_keys=keys,
    )


def redis_options(settings: Settings) -> RedisOptions:
    """Return where Redis is and how to get in."""
    return RedisOptions(
        url=settings.redis_url,
        timeout_ms=settings.redis_timeout_ms,
        tls_ca_file=_name(settings.redis_tls_ca_file),
        tls_certificate_file=_name(settings.redis_tls_certfile),
        tls_key_file=_name(settings.redis_tls_keyfile),
    )


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
