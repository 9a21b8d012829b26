"""The connection settings of MongoDB, as its adapter takes them."""

from storage.mongo_client import MongoOptions
from workers.config import Settings


def mongo_options(settings: Settings) -> MongoOptions:
    """Return where MongoDB is and how to get in."""
    ca_file = settings.mongodb_tls_ca_file
    own_file = settings.mongodb_tls_certificate_key_file
    return MongoOptions(
        uri=settings.mongodb_uri,
        database=settings.mongodb_database,
        driver=settings.mongo_driver,
        timeout_ms=settings.mongodb_timeout_ms,
        tls=True if ca_file or own_file else None,
        tls_ca_file=str(ca_file) if ca_file else None,
        tls_certificate_key_file=str(own_file) if own_file else None,
    )
