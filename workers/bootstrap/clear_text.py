"""Which connections beyond this machine are not encrypted: whoever is on the way reads and changes them."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from workers.config.settings import Settings


def clear_text_warnings(settings: Settings) -> list[str]:
    """Return a line for each server that is spoken to in the clear beyond loopback."""
    return [*_kafka(settings), *_mongodb(settings), *_redis(settings), *_key_set(settings)]


def hosts(addresses: str) -> list[str]:
    """Return the hosts of `host:port` addresses, separated by commas."""
    return [address.rpartition(":")[0].strip("[]") or address for address in addresses.split(",")]


def is_loopback(host: str) -> bool:
    """Say whether *host* is this machine, as far as its name tells."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.startswith("%2F")  # a socket's path


def _kafka(settings: Settings) -> Iterator[str]:
    encrypted = settings.kafka_security_protocol.endswith("SSL")
    if not encrypted and _is_beyond(hosts(settings.kafka_bootstrap)):
        yield (
            "Kafka is spoken to in the clear: whoever is on the way reads and forges commands; set "
            "ACCOUNTS_KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL"
        )


def _mongodb(settings: Settings) -> Iterator[str]:
    # By hand: the driver's own parser asks the DNS for what mongodb+srv names.
    scheme, _, rest = settings.mongodb_uri.partition("://")
    servers, _, query = rest.partition("/")
    given = {name.lower(): values[-1] for name, values in parse_qs(query.partition("?")[2]).items()}
    usual = "true" if scheme == "mongodb+srv" or settings.mongodb_tls_ca_file else "false"
    encrypted = given.get("tls", given.get("ssl", usual)) == "true"
    if not encrypted and _is_beyond(hosts(servers.rpartition("@")[2])):
        yield (
            "MongoDB is spoken to in the clear: whoever is on the way reads and changes balances; set "
            "ACCOUNTS_MONGODB_TLS_CA_FILE, or tls=true in ACCOUNTS_MONGODB_URI"
        )


def _redis(settings: Settings) -> Iterator[str]:
    url = urlsplit(settings.redis_url)
    if url.scheme == "redis" and _is_beyond([url.hostname or "localhost"]):
        yield (
            "Redis is spoken to in the clear: whoever is on the way reads its password; write "
            "ACCOUNTS_REDIS_URL with rediss://"
        )


def _key_set(settings: Settings) -> Iterator[str]:
    if _is_beyond([settings.sidecar_host]):
        yield (
            f"the sidecar shows the key set in the clear at {settings.sidecar_host}: whoever is on the "
            "way gives senders a key of his own to seal passwords to; put TLS in front of it"
        )


def _is_beyond(names: list[str]) -> bool:
    return not all(map(is_loopback, names))
