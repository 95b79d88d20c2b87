"""One trace from the gateway to the system of record, who called on it, and nothing of what was said."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path

import asyncpg
import pytest
from live.commands import made, one_allowed_call_each
from live.conftest import ROOT
from live.traces import Span, ask, eventually, search, trace, values

from mcp_local.board import read_board
from mcp_local.fill import with_database
from mcp_local.governed import Call
from mcp_local.load import Stack
from mcp_local.plan import plan

SERVERS = [server.name for server in plan(ROOT).servers()]
CANARY = "quail-7f3e2b91"
WORD = "quail_word"  # as a bare name in a statement
NUMBER = "880055570143"  # in the path of an address


async def traced(stack: Stack, call: Call) -> list[Span]:
    """The way of a call that is made now, once all of it has arrived: from the gateway down."""
    tags = f'enduser.id={call.person} gen_ai.tool.name="{call.server}_{call.tool}"'
    before = set(search(stack, tags))
    (outcome,) = await made(stack, [call])
    assert outcome.as_expected, outcome

    def found() -> list[Span]:
        new = [one for one in search(stack, tags) if one not in before]
        return way(trace(stack, new[0]), call.server) if new else []

    spans: list[Span] = await eventually(found)
    return spans


def way(spans: list[Span], server: str) -> list[Span]:
    """From the gateway's span to something the server asked of its system of record, or nothing."""
    by_id = {one.id: one for one in spans}
    for asked in (one for one in spans if (one.service, one.kind) == (server, "CLIENT")):
        path = [asked]
        while path[0].parent in by_id:
            path.insert(0, by_id[path[0].parent])
        if (path[0].service, path[0].kind) == ("gateway", "SERVER"):
            return path
    return []


@pytest.mark.parametrize("server", SERVERS)
async def test_one_trace_leads_from_the_gateway_to_the_system_of_record(
    stack: Stack, server: str
) -> None:
    call = next(call for call in one_allowed_call_each(stack) if call.server == server)
    top, sent, tool, *asked = await traced(stack, call)
    assert asked
    assert [one.service for one in (tool, sent, top)] == [server, "gateway", "gateway"]
    assert [one.kind for one in (tool, sent, top)] == ["SERVER", "CLIENT", "SERVER"]
    assert (tool.name, top.name) == (
        f"tools/call {call.tool}", f"tools/call {server}_{call.tool}",
    )  # fmt: skip
    assert top.attributes["enduser.id"] == tool.attributes["enduser.id"] == call.person
    assert top.attributes["gen_ai.agent.id"] == "mcp-dev-cli"
    assert top.attributes["mcp_gateway.status"] == "ok"
    rid = top.attributes["mcp_gateway.call.id"]
    assert tool.attributes["mcp_gateway.call.id"] == rid
    (trace_id,) = search(stack, f"mcp_gateway.call.id={rid}")
    intent, outcome = await recorded(stack, rid)
    assert intent["trace"] == outcome["trace"] == trace_id
    assert intent["person"] == call.person
    lines = (stack.here.logs / "gateway.log").read_text().splitlines()
    assert any(rid in line and trace_id in line for line in lines)


async def recorded(stack: Stack, rid: str) -> list[dict[str, str]]:
    ledger = await asyncpg.connect(with_database(stack.filler().postgres, "ledger"))
    try:
        rows = await ledger.fetch(
            "SELECT body FROM audit.record WHERE position(convert_to($1, 'UTF8') IN body) > 0 ORDER BY ts, seg, seq",
            rid,
        )
    finally:
        await ledger.close()
    return [json.loads(row["body"]) for row in rows]


async def test_durations_are_measured_per_tool_on_both_sides(stack: Stack) -> None:
    call = one_allowed_call_each(stack)[0]
    await made(stack, [call])
    count = "mcp_server_operation_duration_seconds_count"
    for job, tool in (("gateway", f"{call.server}_{call.tool}"), (call.server, call.tool)):
        selector = f'{count}{{job="{job}",gen_ai_tool_name="{tool}"}}'
        assert await eventually(lambda wanted=selector: values(stack, wanted)), selector


async def test_nothing_that_was_said_reaches_the_backend(stack: Stack) -> None:
    """Arguments in statements, addresses, names and failures; answers; tokens."""
    sql = (
        f'SELECT account_name AS {WORD}, account_name AS "{CANARY}"'
        f" FROM sales.accounts WHERE account_name <> '{CANARY}'"
    )
    said = [
        Call(person="ana", server="warehouse", tool="run_sql", expect="allowed", arguments={"sql": sql}),
        Call(
            person="ana", server="warehouse", tool="run_sql", expect="allowed",
            arguments={"sql": f"SELECT CAST('{CANARY}' AS integer) AS n FROM sales.accounts"},
        ),
        Call(person="ana", server="docs", tool="search_docs", expect="allowed", arguments={"query": CANARY}),
        Call(person="ana", server="docs", tool="read_doc", expect="allowed", arguments={"doc_id": CANARY}),
        Call(person="ben", server="crm", tool="find_contacts", expect="allowed", arguments={"text": CANARY}),
        Call(person="ben", server="crm", tool="get_account", expect="allowed", arguments={"account": CANARY}),
        Call(person="ben", server="crm", tool="get_account", expect="allowed", arguments={"account": NUMBER}),
        Call(person="ben", server="crm", tool=CANARY, expect="refused"),
    ]  # fmt: skip
    outcomes = await made(stack, said)
    assert [one.decision for one in outcomes[:2]] == ["allowed", "failed"], outcomes
    assert outcomes[-1].decision == "refused"
    last = one_allowed_call_each(stack)[0]
    await traced(stack, last)
    await asyncio.sleep(1.5)  # for what the other processes still hold back
    spans = [span for one in search(stack) for span in trace(stack, one)]
    tools = {span.attributes.get("gen_ai.tool.name") for span in spans}
    assert {"run_sql", "search_docs", "read_doc", "find_contacts", "get_account", "_OTHER"} <= tools
    told = "\n".join(span.told for span in spans) + json.dumps(
        ask(stack, "/api/v1/series", **{"match[]": '{job="gateway"}'})
    )
    for secret in (
        CANARY,
        WORD,
        NUMBER,
        "eyJ",
        "Bearer",
        "Customer#",
        last.arguments.get("query", CANARY),
    ):
        assert secret not in told, told[max(0, told.index(secret) - 300) :][:600]


async def test_a_backend_that_hangs_costs_no_call(stack: Stack) -> None:
    board = read_board(stack.here.state)
    assert board is not None
    pid = board.parts["telemetry"].pid
    assert pid is not None
    calls = one_allowed_call_each(stack)
    await made(stack, calls)  # everything is warm
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        outcomes = [outcome for _ in range(4) for outcome in await made(stack, calls)]
        # long enough for exporters to be stuck in the middle of it, shorter than their patience
        assert time.monotonic() - begun < 10
    finally:
        os.kill(pid, signal.SIGCONT)
    assert all(outcome.as_expected for outcome in outcomes), outcomes
    assert max(outcome.milliseconds for outcome in outcomes) < 3_000


def test_the_page_is_named_at_the_end_of_make_up(stack: Stack) -> None:
    from live.commands import local

    base = json.loads(stack.here.stack.read_text())["telemetry"]
    assert f"Traces: {base}" in local(stack, "up", "--no-calls").stdout
    assert Path(stack.here.logs / "telemetry.log").read_text() == ""
