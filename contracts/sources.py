"""Which sources are one and the same where failed sign-ins are counted."""

from ipaddress import IPv6Address, IPv6Network, ip_address

SITE_PREFIX = 64
"""RFC 6177 §2: an IPv6 site has a /64 or more, and may use another address for each request."""


def counted_as(source: str) -> str:
    """Return whom *source* counts for: an IPv4 address, an IPv6 site, or any other text as it is."""
    try:
        # Without its zone: that is a name of some machine's, or of the sender's choice.
        address = ip_address(source.partition("%")[0])
    except ValueError:
        return source
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(IPv6Network((address, SITE_PREFIX), strict=False))
        address = address.ipv4_mapped
    return str(address)
