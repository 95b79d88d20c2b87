"""An argument that the encoder refuses would be a way off the record."""

import base64
import json
import math
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.audit.canonical import BODY_LIMIT_BYTES, canonical, record_bytes
from mcp_gateway.audit.projection import COLUMNS, TEXT_LIMIT, project


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


AWKWARD: dict[str, Any] = {
    "lone surrogate": "\ud800",
    "surrogate as a key": {"\udfff": 1},
    "2^70": 2**70,
    "-2^70": -(2**70),
    "not a number": float("nan"),
    "infinity": float("inf"),
    "NUL": "a\0b",
    "bytes": b"\xff\x00",
    "nested 300": nested(300),
    "nested 254": nested(254),
    "nested 100,000": nested(100_000),
    "mixed keys": {1: 2, "1": 3, None: 4},
    "a set": {1, 2},
    "an object": object(),
    "an object that cannot be shown": Unspeakable(),
    "line separators": "\u2028\u2029\x85\x1b[31m\r\n\u202e",
    "1 MiB of surrogates": "\ud800" * 2**20,
    "10 MiB": "x" * (10 * 2**20),
}


@pytest.mark.parametrize("value", AWKWARD.values(), ids=AWKWARD)
def test_every_argument_has_canonical_bytes(value: Any) -> None:
    orjson.loads(canonical(value))
    orjson.loads(canonical({"a": [value]}))


@pytest.mark.parametrize("value", AWKWARD.values(), ids=AWKWARD)
def test_an_awkward_field_stays_on_the_record_beside_the_others(value: Any) -> None:
    body = record_bytes({"kind": "intent", "person": "ana", "args": value, "rid": "r-1"})
    assert len(body) <= BODY_LIMIT_BYTES
    read = orjson.loads(body)
    assert (read["kind"], read["person"], read["rid"]) == ("intent", "ana", "r-1")
    assert "args" in read
    assert b"\n" not in body
    assert b"\x1b" not in body


def test_what_json_cannot_carry_can_be_read_back() -> None:
    read = orjson.loads(canonical({"n": 2**70, "s": "\ud800"}))
    assert json.loads(base64.b64decode(read["base64"])) == {"n": 2**70, "s": "\ud800"}


def test_the_same_value_has_the_same_bytes_whatever_the_order() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == b'{"a":{"c":3,"d":2},"b":1}'


def test_a_record_too_large_keeps_its_small_fields_and_the_hash_of_the_large_one() -> None:
    body = record_bytes({"kind": "intent", "args": {"x": "y" * 70_000}})
    read = orjson.loads(body)
    assert read["kind"] == "intent"
    assert read["args"]["left_out_bytes"] > 70_000


def test_a_record_of_a_hundred_thousand_fields_is_still_one_record() -> None:
    body = record_bytes({f"field-{i}": i for i in range(100_000)})
    assert len(body) <= BODY_LIMIT_BYTES
    assert orjson.loads(body)["left_out_bytes"] > 100_000


@pytest.mark.parametrize("value", AWKWARD.values(), ids=AWKWARD)
@pytest.mark.parametrize("field", ["person", "tool", "rid", "ts", "latency_ms", "decision"])
def test_every_column_can_be_stored(field: str, value: Any) -> None:
    storable({"kind": "intent", "ts": "2026-11-23T04:00:00.000001Z", field: value})


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
    | st.binary() | st.datetimes(timezones=st.timezones() | st.none()) | st.uuids(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(json_like)
def test_anything_has_canonical_bytes(value: Any) -> None:
    orjson.loads(canonical(value))


@given(st.dictionaries(st.sampled_from([*COLUMNS, "sub", "args"]), json_like))
def test_any_record_has_a_body_and_columns_that_can_be_stored(record: dict[str, Any]) -> None:
    storable(record)


def storable(record: dict[str, Any]) -> None:
    for value in project(orjson.loads(record_bytes(record))):
        if isinstance(value, str):
            assert len(value) <= TEXT_LIMIT
            assert "\0" not in value
            value.encode()
        elif isinstance(value, datetime):
            assert value.astimezone(UTC).year >= 1999
        elif value is not None:
            assert math.isfinite(value)


def test_values_the_encoder_spells_its_own_way_become_what_it_wrote() -> None:
    record = {"rid": UUID(int=1), "ts": datetime(2026, 11, 23, 4, 5, 6, 7, UTC), "latency_ms": 2}
    columns = dict(zip(COLUMNS, project(orjson.loads(record_bytes(record))), strict=True))
    assert columns["rid"] == str(UUID(int=1))
    assert columns["ts"] == record["ts"]
    assert columns["latency_ms"] == 2.0
