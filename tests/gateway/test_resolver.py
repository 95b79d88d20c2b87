"""Names that lead elsewhere than before."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from mcp_gateway.upstream.resolver import AnotherNetworkError, PinnedResolver, kind_of


class Names(AbstractResolver):
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in self.addresses
        ]

    async def close(self) -> None:
        pass


async def asked(resolver: PinnedResolver, names: Names, *addresses: str) -> list[str]:
    names.addresses = list(addresses)
    return [one["host"] for one in await resolver.resolve("crm.example", 443)]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"), ("10.1.2.3", "private"), ("192.168.0.9", "private"),
        ("172.16.0.1", "private"), ("fd12::1", "private"), ("100.64.0.1", "private"),
        ("8.8.8.8", "public"), ("2606:4700::1111", "public"),
        ("169.254.169.254", None), ("169.254.170.2", None), ("::ffff:169.254.169.254", None),
        ("64:ff9b::a9fe:a9fe", None), ("fe80::1%eth0", None), ("fd00:ec2::254", None),
        ("100.100.100.200", None), ("168.63.129.16", None), ("0.0.0.0", None), ("::", None),
        ("224.0.0.1", None), ("ff02::1", None),
    ],
)  # fmt: skip
def test_every_address_is_of_one_kind_or_of_none_that_a_server_has(
    address: str, kind: str | None
) -> None:
    assert kind_of(address) == kind


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("8.8.8.8", "127.0.0.1"), ("8.8.8.8", "10.0.0.1"), ("10.0.0.1", "8.8.8.8"),
        ("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "169.254.169.254"),
        ("8.8.8.8", "::ffff:10.0.0.1"),
    ],
)  # fmt: skip
async def test_u10_a_name_stays_in_the_network_of_its_first_answer(first: str, later: str) -> None:
    names = Names()
    resolver = PinnedResolver(names)
    assert await asked(resolver, names, first) == [first]
    with pytest.raises(AnotherNetworkError):
        await asked(resolver, names, later)
    assert await asked(resolver, names, later, first) == [first]  # and what else it says is dropped
    assert await asked(resolver, names, first) == [first]


async def test_within_its_network_a_name_may_move() -> None:
    names = Names()
    resolver = PinnedResolver(names)
    assert await asked(resolver, names, "10.0.0.1") == ["10.0.0.1"]
    moved = await asked(resolver, names, "192.168.1.1", "fd12::9")
    assert moved == ["192.168.1.1", "fd12::9"]


async def test_a_name_that_leads_to_no_server_at_first_is_not_pinned_there() -> None:
    names = Names()
    resolver = PinnedResolver(names)
    with pytest.raises(AnotherNetworkError):
        await asked(resolver, names, "169.254.169.254")
    assert await asked(resolver, names, "8.8.8.8") == ["8.8.8.8"]
