"""Who is slowed down at the door, by which address, and what they are told."""

from typing import Any

import pytest
from gateway.made import a_principal

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.door.floods import CODE, MOST_REMEMBERED, Floods, address
from mcp_gateway.refusals import Refusal, ledger_down, malformed

RATE = Rate(calls=3, seconds=30)


def scope(*headers: tuple[bytes, bytes], peer: str = "192.0.2.1") -> dict[str, Any]:
    return {"client": (peer, 4711), "headers": list(headers)}


def forwarded(value: str) -> tuple[bytes, bytes]:
    return b"x-forwarded-for", value.encode()


@pytest.mark.parametrize(
    ("proxies", "headers", "found"),
    [
        (0, [], "192.0.2.1"),
        (0, [forwarded("203.0.113.9")], "192.0.2.1"),
        (1, [forwarded("203.0.113.9")], "203.0.113.9"),
        (1, [forwarded("6.6.6.6, 203.0.113.9")], "203.0.113.9"),
        (1, [forwarded("6.6.6.6"), forwarded("203.0.113.9")], "203.0.113.9"),
        (2, [forwarded("6.6.6.6, 203.0.113.9, 10.0.0.1")], "203.0.113.9"),
        (2, [forwarded("203.0.113.9")], "192.0.2.1"),
        (1, [forwarded("6.6.6.6, nonsense")], "192.0.2.1"),
        (1, [forwarded("")], "192.0.2.1"),
        (1, [forwarded("203.0.113.9:5000")], "203.0.113.9"),
        (1, [forwarded("[2001:db8:1:2:3::4]:5000")], "2001:db8:1:2::/64"),
        (1, [(b"x-real-ip", b"6.6.6.6"), (b"forwarded", b"for=6.6.6.6")], "192.0.2.1"),
        (1, [(b"x_forwarded_for", b"6.6.6.6")], "192.0.2.1"),
    ],
)
def test_R01_only_the_configured_proxies_are_believed(
    proxies: int, headers: list[tuple[bytes, bytes]], found: str
) -> None:
    assert address(scope(*headers), proxies) == found


def test_R01_a_network_of_one_customer_is_one_address() -> None:
    one = address(scope(peer="2001:db8:1:2::1"), 0)
    assert one == address(scope(peer="2001:db8:1:2:ffff::9"), 0)
    assert one != address(scope(peer="2001:db8:1:3::1"), 0)
    assert address(scope(peer="::ffff:192.0.2.1"), 0) == "192.0.2.1"
    assert address({"client": None, "headers": []}, 0) == ""


class Door:
    def __init__(self) -> None:
        self.now = 1000.0
        self.floods = Floods(RATE, 0, lambda sent: sent == ["Bearer known"], lambda: self.now)

    def admitted(self, *headers: tuple[bytes, bytes], peer: str = "192.0.2.1") -> bool:
        try:
            self.floods.admit(scope(*headers, peer=peer))
        except Refusal as refusal:
            self.refusal = refusal
            return False
        return True

    def turned_away(self, times: int = 1, peer: str = "192.0.2.1") -> None:
        for _ in range(times):
            self.floods.count(malformed("no"), scope(peer=peer), None)


def test_R08_who_is_refused_too_often_waits_and_others_do_not() -> None:
    door = Door()
    door.turned_away(2)
    assert door.admitted()
    door.turned_away()
    assert not door.admitted()
    assert (door.refusal.code, door.refusal.http) == (CODE, 429)
    assert dict(door.refusal.headers)["Retry-After"] == "10"
    assert door.admitted(peer="192.0.2.2")
    assert door.admitted((b"authorization", b"Bearer known"))
    assert not door.admitted((b"authorization", b"Bearer other"))
    door.now += 9.99
    assert not door.admitted()
    door.now += 0.02
    assert door.admitted()
    door.turned_away(500)
    door.now += 10.01  # however many there were
    assert door.admitted()


def test_R08_a_known_person_is_counted_for_themselves() -> None:
    door = Door()
    ana, ben = a_principal("analyst"), a_principal("sales", username="ben")
    for _ in range(3):
        door.floods.count(malformed("no"), scope(), ana)
    with pytest.raises(Refusal) as caught:
        door.floods.admit_person(ana)
    assert caught.value.http == 429
    door.floods.admit_person(ben)
    assert door.admitted()


def test_a_fault_of_ours_is_nobodys_flood() -> None:
    door = Door()
    for _ in range(10):
        assert door.floods.count(ledger_down(), scope(), None)
    assert door.admitted()


def test_a_flood_is_told_of_once() -> None:
    door = Door()
    door.turned_away(3)
    told = []
    for _ in range(5):
        assert not door.admitted()
        told.append(door.floods.count(door.refusal, scope(), None))
    assert told == [True, False, False, False, False]


def test_R08_memory_is_bounded_whoever_comes() -> None:
    door = Door()
    for number in range(MOST_REMEMBERED + 500):
        peer = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        door.turned_away(3, peer=peer)
        if not door.admitted(peer=peer):
            door.floods.count(door.refusal, scope(peer=peer), None)
    assert len(door.floods._full) == MOST_REMEMBERED
    assert len(door.floods._told) <= MOST_REMEMBERED
