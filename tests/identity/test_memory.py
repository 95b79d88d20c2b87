"""The issuer's memory is bounded: in time by the realm's lifetimes, in size by a number."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from sandbox_idp.memory import Attempts, Expiring
from sandbox_idp.realm import Lockout


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_entry_is_gone_when_its_time_is_over() -> None:
    clock = Clock()
    kept: Expiring[str] = Expiring(clock, 60, most=10)
    kept.put("a", "1")
    clock.now += 59
    assert kept.get("a") == "1"
    clock.now += 1
    assert kept.get("a") is None
    kept.put("b", "2")
    assert len(kept) == 1


def test_taking_an_entry_leaves_nothing_for_the_next() -> None:
    kept: Expiring[str] = Expiring(Clock(), 60, most=10)
    kept.put("a", "1")
    assert kept.pop("a") == "1"
    assert kept.pop("a") is None


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 30)), max_size=80))
def test_memory_never_grows_beyond_its_bound(steps: list[tuple[int, int]]) -> None:
    clock = Clock()
    kept: Expiring[int] = Expiring(clock, 60, most=8)
    for key, seconds in steps:
        clock.now += seconds
        kept.put(str(key), key)
        assert len(kept) <= 8
        assert kept.get(str(key)) == key


def test_a_closed_account_opens_again_and_forgets_in_the_end() -> None:
    clock = Clock()
    attempts = Attempts(Lockout(failures=3, wait=60, forget=600), clock)
    for _ in range(3):
        assert not attempts.closed("ana")
        attempts.failure("ana")
    assert attempts.closed("ana")
    assert not attempts.closed("ben")
    clock.now += 60
    assert not attempts.closed("ana")
    attempts.failure("ana")
    assert attempts.closed("ana")  # one more is enough while the others are remembered
    clock.now += 601
    attempts.failure("ana")
    assert not attempts.closed("ana")
    attempts.success("ana")
    assert attempts.failed == {}


def test_a_realm_without_the_rule_closes_nobody() -> None:
    attempts = Attempts(None, Clock())
    for _ in range(100):
        attempts.failure("ana")
    assert not attempts.closed("ana")
