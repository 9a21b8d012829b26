"""Where a request comes from, as far as it can be known; what a source may have at once is counted by it."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

from contracts.sources import counted_as

UNKNOWN = "unknown"
"""The source of all whose address is none: what a proxy passes on may be anything."""

Network = IPv4Network | IPv6Network


def address_of(scope: Scope) -> str:
    """Return the IP address that a request comes from, written in one way only."""
    client = scope.get("client")
    return canonical(client[0]) if client else UNKNOWN


def source_of(scope: Scope) -> str:
    """Return whom a request counts for: its IPv4 address, or its IPv6 site."""
    return counted_as(address_of(scope))


def canonical(host: str) -> str:
    """Return *host* as an IP address, IPv4 where it is one in IPv6's clothes; else `UNKNOWN`."""
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    # Without its zone: that is a name of this machine's, or of the sender's choice.
    return str(mapped or address).partition("%")[0]


def networks(hosts: str) -> Sequence[Network]:
    """Return the networks that *hosts* names: addresses and networks with commas, or `*` for all.

    Raises:
        ValueError: One is neither.
    """
    if hosts.strip() == "*":
        return ip_network("0.0.0.0/0"), ip_network("::/0")
    return [ip_network(host.strip(), strict=False) for host in hosts.split(",") if host.strip()]


def is_among(address: str, trusted: Sequence[Network]) -> bool:
    """Whether *address* is in one of the networks."""
    return address != UNKNOWN and any(ip_address(address) in network for network in trusted)
