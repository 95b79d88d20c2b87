"""What the gateway makes of ids and of what servers say of tasks, alone: no network, no store."""

import asyncio
import os
from typing import Any

import msgspec
import pytest
from gateway.made import a_call, a_principal
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from redis.asyncio import Redis

from mcp_gateway.call import Raw
from mcp_gateway.limits.valkey import Valkey
from mcp_gateway.refusals import Refusal
from mcp_gateway.seal import Seal
from mcp_gateway.tasks import said
from mcp_gateway.tasks.begin import declares
from mcp_gateway.tasks.ids import Place, TaskIds
from mcp_gateway.tasks.reads import TaskReads
from mcp_gateway.upstream.outgoing import envelope
from mcp_local.valkey import Valkey as Server

IDS = TaskIds(Seal(os.urandom(32)))
PLACE = Place("one", "read_it", "own-id", "call-id", 1_800_000_000)
ANA = a_principal()
HEAD: dict[str, Any] = {
    "resultType": "task", "taskId": "own", "status": "working", "createdAt": "2026-11-26T00:00:00Z",
    "lastUpdatedAt": "2026-11-26T00:00:00Z", "ttlMs": 60_000,
}  # fmt: skip


def raw(**fields: Any) -> dict[str, Any]:
    """As a server's answer arrives: slices of its bytes."""
    return {key: Raw(msgspec.json.encode(value)) for key, value in {**HEAD, **fields}.items()}


def test_an_id_opens_for_whom_it_was_made() -> None:
    sealed = IDS.close(ANA, PLACE)
    assert IDS.open(ANA, sealed) == PLACE
    assert "own-id" not in sealed


@pytest.mark.parametrize("field", ["issuer", "subject", "agent"])
def test_an_id_opens_for_nobody_else_and_for_no_other_agent(field: str) -> None:
    other = replace(ANA, **{field: "another"})
    assert IDS.open(other, IDS.close(ANA, PLACE)) is None


def test_a_key_of_another_gateway_opens_nothing() -> None:
    assert TaskIds(Seal(os.urandom(32))).open(ANA, IDS.close(ANA, PLACE)) is None


@given(st.data())
def test_no_changed_id_opens(data: st.DataObject) -> None:
    sealed = IDS.close(ANA, PLACE)
    at = data.draw(st.integers(0, len(sealed) - 1))
    letter = data.draw(st.characters(codec="utf-8"))
    changed = sealed[:at] + letter + sealed[at + data.draw(st.integers(0, 1)) :]
    assert changed == sealed or IDS.open(ANA, changed) is None


@given(st.text(max_size=3000))
def test_no_made_up_id_opens(text: str) -> None:
    assert IDS.open(ANA, text) is None


def test_a_state_of_another_kind_is_no_id() -> None:
    seal = Seal(b"k" * 32)
    state = seal.close(msgspec.json.encode(PLACE), b"requestState")
    assert TaskIds(seal).open(ANA, state) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"taskId": ""}, {"taskId": "x" * 300}, {"taskId": 7}, {"status": "done"}, {"status": None},
        {"createdAt": 1}, {"ttlMs": -1}, {"ttlMs": 0}, {"ttlMs": "60"}, {"ttlMs": 1.5},
        {"pollIntervalMs": "1"}, {"statusMessage": {}}, {"ttlMs": True},
    ],
)  # fmt: skip
def test_what_is_not_a_task_is_not_passed_on(wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as caught:
        said.read_head(raw(**wrong))
    assert caught.value.code == "server_failed"


def test_a_missing_part_is_not_made_up() -> None:
    for field in ("taskId", "status", "createdAt", "lastUpdatedAt", "ttlMs"):
        short = {key: value for key, value in raw().items() if key != field}
        with pytest.raises(Refusal):
            said.read_head(short)


def test_only_fields_of_the_extension_leave() -> None:
    found = said.read_head(raw(task={}, requestState="s", result={}, pollIntervalMs=1))
    head = said.head_for(found, "sealed", "task", 3_600_000)
    assert head == {**HEAD, "taskId": "sealed", "pollIntervalMs": 100}


@pytest.mark.parametrize(
    ("says", "shown"), [(None, 3_600_000), (10**12, 3_600_000), (5_000, 5_000)]
)
def test_no_task_lives_longer_than_the_policy_lets_it(says: int | None, shown: int) -> None:
    found = said.read_head(raw(ttlMs=says))
    assert said.head_for(found, "x", "task", 3_600_000)["ttlMs"] == shown


@pytest.mark.parametrize("status", ["completed", "failed", "input_required"])
@pytest.mark.parametrize("part", [None, [], "text", 1])
def test_a_state_brings_its_own_part_or_is_none(status: str, part: Any) -> None:
    result = raw(status=status, result=part, error=part, inputRequests=part)
    with pytest.raises(Refusal):
        said.brought(said.read_head(result), result)


def test_a_state_brings_no_other_part() -> None:
    for status in ("working", "cancelled"):
        result = raw(status=status, result={"content": []}, error={})
        assert said.brought(said.read_head(result), result) is None


CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
EXTENSION = "io.modelcontextprotocol/tasks"


@pytest.mark.parametrize(
    ("declared", "knows"),
    [
        ({"extensions": {EXTENSION: {}}}, True),
        ({"extensions": {EXTENSION: {"any": 1}}}, True),
        ({}, False),
        ({"extensions": {}}, False),
        ({"extensions": [EXTENSION]}, False),
        ({"extensions": {EXTENSION: None}}, False),
        ({"experimental": {EXTENSION: {}}}, False),
        ([EXTENSION], False),
    ],
)
def test_a_client_knows_tasks_when_it_says_so_in_the_right_place(
    declared: Any, *, knows: bool
) -> None:
    call = replace(a_call(), meta={CAPABILITIES: Raw(msgspec.json.encode(declared))})
    assert declares(call) is knows


@pytest.mark.parametrize("allowed", [True, False])
def test_only_this_extension_passes_and_only_where_the_policy_has_it(*, allowed: bool) -> None:
    declared: dict[str, Any] = {
        "elicitation": {},
        "extensions": {EXTENSION: {}, "com.example/other": {}},
    }
    meta = {CAPABILITIES: Raw(msgspec.json.encode(declared))}
    sent = msgspec.json.decode(envelope(replace(a_call(), meta=meta, tasks=allowed), "read_it"))
    passed = sent["params"]["_meta"][CAPABILITIES]
    extensions: dict[str, Any] = {"extensions": {EXTENSION: {}}} if allowed else {}
    assert passed == {"elicitation": {}, **extensions}


async def test_a_read_is_recorded_by_one_of_many(valkey_server: Server) -> None:
    redis = Redis.from_url(valkey_server.url)
    store = Valkey(redis, 1.0)
    reads = [TaskReads(store) for _ in range(5)]
    task, made = os.urandom(8).hex(), []

    async def read(one: TaskReads) -> Any:
        receipt = await one.recorded(task)
        if receipt is None:
            await asyncio.sleep(0.05)
            receipt = {"leaf": "first"}
            made.append(receipt)
            await one.keep(task, receipt, 60)
        return receipt

    assert await asyncio.gather(*(read(one) for one in reads)) == [{"leaf": "first"}] * 5
    assert len(made) == 1
    assert task not in str(await redis.keys())
    await store.aclose()
    await redis.aclose()


async def test_where_the_store_is_away_every_read_is_recorded() -> None:
    redis = Redis.from_url("redis://127.0.0.1:1/0")
    store = Valkey(redis, 0.1)
    reads = TaskReads(store)
    assert await reads.recorded("x") is None
    await reads.keep("x", {}, 60)
    assert await reads.recorded("x") is None
    await store.aclose()
    await redis.aclose()
