"""Addresses of callers: what counts as one caller, and which proxies are believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address

from broker.settings import Network

IPV6_PREFIX = 64
"""One site gets so much of IPv6, and may use any address in it."""


@lru_cache(4096)
def neighbourhood(host: str) -> str:
    """Return what counts as one caller: an address of IPv4, or a /64 of IPv6."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))


def includes(networks: Sequence[Network], host: str) -> bool:
    """Tell whether an address is in one of these networks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
