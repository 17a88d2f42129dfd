"""Clients' IP addresses, and the networks by which clients are counted."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address


def parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address, an IPv4 one also where it came in over IPv6; None if it is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def network_of(address: str) -> str:
    """Return what a client is counted by: its IPv4 address, or the /64 of its IPv6 one, as anyone has a whole /64."""
    found = parsed(address)
    if isinstance(found, IPv6Address):
        return str(IPv6Network((int(found), 64), strict=False))
    return str(found)
