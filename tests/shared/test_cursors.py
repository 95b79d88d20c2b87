"""Sealed cursors: they open for their own question, person and tool, and for nothing else."""

import base64
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcp_shared.cursors import Cursors
from mcp_shared.faults import Invalid

CURSORS = Cursors("postgresql://login:password@db/warehouse")
QUESTION = {"metric": "revenue", "since": date(2026, 1, 1)}
SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda one: st.lists(one) | st.dictionaries(st.text(), one))


class Clock:
    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


@given(person=st.text(), tool=st.text(), arguments=JSON, place=JSON)
def test_a_place_comes_back_as_it_was_sealed(
    person: str, tool: str, arguments: Any, place: Any
) -> None:
    cursor = CURSORS.seal(person, tool, arguments, place)
    assert CURSORS.open(person, tool, arguments, cursor) == place


@given(sealed=st.tuples(st.text(), st.text(), JSON), opened=st.tuples(st.text(), st.text(), JSON))
def test_it_opens_for_no_other_person_tool_or_question(
    sealed: tuple[str, str, Any], opened: tuple[str, str, Any]
) -> None:
    # JSON tells 1 from true, Python does not
    assume(repr(sealed) != repr(opened) and sealed != opened)
    cursor = CURSORS.seal(*sealed, 7)
    with pytest.raises(Invalid, match="does not belong"):
        CURSORS.open(*opened, cursor)


@given(at=st.integers(min_value=0), by=st.integers(min_value=1, max_value=255))
def test_one_changed_byte_anywhere_is_refused(at: int, by: int) -> None:
    cursor = CURSORS.seal("ana", "get_metric", QUESTION, 50)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[at % len(raw)] ^= by
    changed = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    with pytest.raises(Invalid, match="start anew"):
        CURSORS.open("ana", "get_metric", QUESTION, changed)


def test_one_changed_character_anywhere_is_refused() -> None:
    cursor = CURSORS.seal("ana", "get_metric", QUESTION, 50)
    for at, was in enumerate(cursor):
        for other in "AQgw_B":
            if other != was:
                with pytest.raises(Invalid):
                    CURSORS.open(
                        "ana", "get_metric", QUESTION, cursor[:at] + other + cursor[at + 1 :]
                    )


@given(st.text(max_size=200))
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        CURSORS.open("ana", "get_metric", QUESTION, text)


def test_another_replica_with_the_same_secret_opens_it() -> None:
    cursor = CURSORS.seal("ana", "get_metric", QUESTION, 50)
    replica = Cursors("postgresql://login:password@db/warehouse")
    assert replica.open("ana", "get_metric", QUESTION, cursor) == 50


def test_another_secret_does_not_open_it() -> None:
    cursor = CURSORS.seal("ana", "get_metric", QUESTION, 50)
    with pytest.raises(Invalid):
        Cursors("another").open("ana", "get_metric", QUESTION, cursor)


def test_it_serves_its_lifetime_and_no_longer() -> None:
    clock = Clock()
    cursors = Cursors("secret", lifetime_seconds=60, now=clock)
    cursor = cursors.seal("ana", "get_metric", QUESTION, 50)
    clock.time += 60
    assert cursors.open("ana", "get_metric", QUESTION, cursor) == 50
    clock.time += 1
    with pytest.raises(Invalid, match="expired"):
        cursors.open("ana", "get_metric", QUESTION, cursor)


def test_it_shows_neither_place_nor_question() -> None:
    cursor = CURSORS.seal(
        "ana", "get_metric", {"nation": "FRANCE"}, {"after": "Customer#000001243"}
    )
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for word in (b"Customer", b"FRANCE", b"ana", b"get_metric"):
        assert word not in raw
    assert cursor != CURSORS.seal(
        "ana", "get_metric", {"nation": "FRANCE"}, {"after": "Customer#000001243"}
    )


def test_a_server_without_a_secret_has_no_cursors() -> None:
    with pytest.raises(ValueError, match="secret"):
        Cursors("")
