"""Names of servers and issuer become addresses, and stay among their own kind.

The first answer says of which kind a name is: this machine, a private network, or the public one.
Whoever changes the name later cannot lead calls and their tokens into another: to this machine's
own ports or a neighbour's. What gives out a machine's credentials is never an address of a server.
"""

import ipaddress
import logging
import socket
from typing import Literal

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

log = logging.getLogger(__name__)

Kind = Literal["loopback", "private", "public"]
# link-local addresses answer everywhere; these do so from networks that look like others
METADATA = frozenset({"fd00:ec2::254", "100.100.100.200", "168.63.129.16"})
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052


class AnotherNetworkError(OSError):
    """A name leads elsewhere than before, or where no server is."""


class PinnedResolver(AbstractResolver):
    """Pins live as long as the process: a server that moves between networks needs a restart."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver or ThreadedResolver()
        self._pinned: dict[str, Kind] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        kinds = [(kind_of(one["host"]), one) for one in found]
        pinned = self._pinned.get(host) or next((kind for kind, _ in kinds if kind), None)
        kept = [one for kind, one in kinds if kind is not None and kind == pinned]
        if pinned is None or not kept:
            log.error("name leads elsewhere", extra={"host": host, "before": pinned})
            raise AnotherNetworkError(f"{host} leads to another network than before, or to none")
        self._pinned[host] = pinned
        return kept

    async def close(self) -> None:
        await self._resolver.close()


def kind_of(address: str) -> Kind | None:
    """None for what no server may have."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _within(ip)
    if str(ip) in METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return None
    if ip.is_loopback:
        return "loopback"
    if ip.is_reserved and not ip.is_private:
        return None
    return "public" if ip.is_global else "private"


def _within(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in TRANSLATED else None
    return ip.ipv4_mapped or ip.sixtofour or translated or ip
