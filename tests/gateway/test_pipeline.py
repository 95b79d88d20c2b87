"""The order of one call's path, told as a story: each part writes a line when its turn comes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from gateway.made import a_call, a_catalogue, a_policy, a_principal, a_rule

from mcp_gateway.audit.ledger import Kind
from mcp_gateway.audit.payload import Payload
from mcp_gateway.audit.waiting import Entry, LedgerDown, Waiter
from mcp_gateway.call import Answer, Call, Emit, Grant, Principal, Raw, Receipt
from mcp_gateway.carry import Carry
from mcp_gateway.identity.authenticate import Authenticate
from mcp_gateway.listing.aside import Aside
from mcp_gateway.listing.listening import Listening
from mcp_gateway.listing.lists import Cursors
from mcp_gateway.pipeline import Pipeline
from mcp_gateway.record import Recorder
from mcp_gateway.refusals import Refusal, limited, unavailable
from mcp_gateway.rights.policy import Rule
from mcp_gateway.seal import Seal
from mcp_gateway.steps import Steps
from mcp_gateway.tasks.begin import Begun
from mcp_gateway.tasks.ids import TaskIds
from mcp_gateway.tasks.reads import TaskReads
from mcp_gateway.tasks.requests import Tasks
from mcp_gateway.upstream.rounds import Rounds
from mcp_shared.meta import RECEIPT

DONE = Answer(status="ok", result={"content": Raw(b"[]")})


class AnEntry:
    def receipt(self) -> dict[str, Any]:
        return {"seq": 1}


class Story:
    """Everyone a call meets: throttle, drift, ledger and server. What happened, as lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.ledger_fails_at: set[str] = set()
        self.refuses: Refusal | None = None
        self.not_compared: Refusal | None = None
        # what the server turns out to serve, once it is compared
        self.drifts: list[dict[str, Any]] | None = None
        self.catalogue = a_catalogue("one", "two")
        self.answer: Answer | BaseException = DONE
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        # wait here before a record is durable
        self.slow: dict[str, asyncio.Event] = {}

    async def throttle(self, principal: Principal, call: Call, rule: Rule | None) -> None:
        assert (principal.username, call.id) == ("ana", "call-1")
        self.lines.append(f"throttle {rule.name if rule else '?'}")
        if self.refuses is not None:
            raise self.refuses

    async def compared(self, server: str) -> bool:
        self.lines.append(f"compare {server}")
        if self.not_compared is not None:
            raise self.not_compared
        if self.drifts is None:
            return False
        self.catalogue.compare(server, "tool", self.drifts)
        return True

    def append(self, kind: Kind, body: Mapping[str, Any], payload: Payload | None = None) -> Waiter:
        """As the ledger does: what the caller waits for cannot be cancelled."""
        assert payload is None
        waiter = Waiter()

        def settled(task: "asyncio.Task[Entry]") -> None:
            if (error := task.exception()) is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(task.result())

        asyncio.ensure_future(self._append(kind, body)).add_done_callback(settled)
        return waiter

    async def _append(self, kind: Kind, body: Mapping[str, Any]) -> Entry:
        if kind in self.ledger_fails_at:
            raise LedgerDown("down", "away")
        if (gate := self.slow.get(kind)) is not None:
            await gate.wait()
        self.lines.append(f"record {kind} {body.get('status', '')}".strip())
        self.bodies.append(body)
        return cast("Entry", AnEntry())

    async def forward(self, receipt: Receipt, emit: Emit | None = None) -> Answer:
        assert emit is None
        self.lines.append(f"forward {receipt.grant.server} {receipt.grant.target}")
        self.arrived.set()
        await self.go.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def pipeline(self) -> Pipeline:
        policy = a_policy(
            a_rule(redact=("$.secret",)), a_rule("write_it", kind="write", roles=("sales",)),
            a_rule("one://*", family="resource"),
        )  # fmt: skip
        recorder = Recorder(self, decided=lambda d, r: self.lines.append(f"count {d} {r}"))
        steps = Steps(
            self.throttle, lambda: policy, self.catalogue, self.compared, recorder, self.forward
        )
        seal = Seal(b"k" * 32)
        rounds = Rounds(seal)
        carry = Carry(steps, rounds, Begun(TaskIds(seal)))

        def admits(_: Principal, __: str) -> None:
            pass

        async def as_it_is(_: Grant, answer: Answer, __: bytes) -> Answer:
            return answer

        listening = Listening(steps.policy, self.catalogue, admits, lambda: False)
        return Pipeline(
            authenticate=cast("Authenticate", None),
            steps=steps,
            rounds=rounds,
            carry=carry,
            aside=Aside(steps, Cursors(b"k" * 32), listening, admits),
            tasks=Tasks(steps, carry, TaskIds(seal), cast("TaskReads", None), as_it_is),
            charge=lambda _, __: None,
        )

    async def tell(self, call: Call | None = None, *roles: str) -> Answer:
        answer = await self.pipeline().handle(
            call or a_call(), a_principal(*(roles or ("analyst",)))
        )
        self.lines.append(f"answer {answer.http}")
        return answer


@asynccontextmanager
async def under_way(story: Story) -> AsyncIterator["asyncio.Task[Answer]"]:
    task = asyncio.create_task(story.tell())
    yield task
    assert task.done()


async def test_a_call_is_recorded_before_it_leaves_and_its_outcome_before_its_answer() -> None:
    story = Story()
    answer = await story.tell()
    assert story.lines == [
        "throttle read_it",
        "compare one",
        "record intent",
        "count allow role",
        "forward one read_it",
        "record outcome ok",
        "answer 200",
    ]
    assert answer.result is not None
    assert answer.result["_meta"][RECEIPT] == {"seq": 1}
    intent, outcome = story.bodies
    assert intent["rid"] == outcome["rid"] == "call-1"
    assert (intent["policy"], intent["definition"]) == ("v1", "h-read_it")


async def test_what_a_comparison_just_closed_is_not_called() -> None:
    story = Story()
    story.drifts = []
    answer = await story.tell()
    assert story.lines == [
        "throttle read_it", "compare one", "count deny quarantined",
        "record refusal refused", "answer 200",
    ]  # fmt: skip
    assert answer.result is not None
    assert "definition has changed" in str(answer.result["content"])


async def test_a_refusal_leaves_nothing_upstream_and_is_on_the_record() -> None:
    for call, roles in [
        (a_call("one_write_it"), ("analyst",)), (a_call("one_nothing"), ("analyst",)),
        (a_call("nothing"), ("analyst",)), (a_call(), ("support",)),
    ]:  # fmt: skip
        story = Story()
        answer = await story.tell(call, *roles)
        assert story.lines[0] == "throttle ?"
        assert story.lines[-2:] == ["record refusal refused", "answer 400"]
        assert not [line for line in story.lines if line.startswith(("forward", "compare"))]
        assert answer.error is not None
        assert answer.error["message"] == "Unknown tool"


async def test_a_limit_is_on_the_record_and_nothing_leaves() -> None:
    story = Story()
    story.refuses = limited(3.0, "one_read_it")
    answer = await story.tell()
    assert story.lines == [
        "throttle read_it",
        "count limit rate_limited",
        "record refusal refused",
        "answer 200",
    ]
    assert answer.result is not None
    assert answer.result["isError"] is True
    assert story.bodies[0]["decision"] == "limit"


async def test_what_cannot_be_compared_is_not_called() -> None:
    story = Story()
    story.not_compared = unavailable("server_unavailable", "one does not answer.")
    await story.tell()
    assert story.lines[1:] == [
        "compare one", "count error server_unavailable", "record refusal refused", "answer 200",
    ]  # fmt: skip


async def test_without_an_intent_nothing_leaves() -> None:
    story = Story()
    story.ledger_fails_at = {"intent"}
    with pytest.raises(Refusal) as caught:
        await story.tell()
    assert (caught.value.http, caught.value.rpc) == (503, -31503)
    assert not [line for line in story.lines if line.startswith("forward")]


async def test_without_an_outcome_no_answer_leaves() -> None:
    story = Story()
    story.ledger_fails_at = {"outcome"}
    answer = await story.tell()
    assert (answer.http, answer.result) == (503, None)
    assert answer.error is not None
    assert answer.error["code"] == -31503
    assert "Whether it acted is unknown" in answer.error["message"]


async def test_a_denial_that_cannot_be_recorded_says_only_that() -> None:
    story = Story()
    story.ledger_fails_at = {"refusal"}
    answer = await story.tell(a_call("one_write_it"))
    assert (answer.http, answer.error and answer.error["code"]) == (503, -31503)


async def test_wrong_arguments_are_answered_here_and_recorded_as_a_call() -> None:
    story = Story()
    answer = await story.tell(a_call(arguments={"n": 11, "m": 1}))
    assert story.lines[2:] == [
        "record intent",
        "count allow role",
        "record outcome tool_error",
        "answer 200",
    ]
    assert answer.result is not None
    assert "2 problems" in answer.result["content"][0]["text"]


async def test_what_a_line_redacts_is_nowhere_in_any_record() -> None:
    for roles in (("analyst",), ("support",)):
        story = Story()
        await story.tell(a_call(arguments={"n": 1, "secret": "hunter2"}), *roles)
        assert story.bodies
        assert "hunter2" not in repr(story.bodies)


async def test_a_caller_who_leaves_while_the_server_works_is_an_outcome() -> None:
    story = Story()
    story.go.clear()
    async with under_way(story) as task:
        await story.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert story.lines[-2:] == ["forward one read_it", "record outcome cancelled"]


@pytest.mark.parametrize("moment", ["intent", "outcome"])
async def test_a_caller_who_leaves_while_a_record_is_written_leaves_it_whole(moment: str) -> None:
    story = Story()
    story.slow[moment] = gate = asyncio.Event()
    async with under_way(story) as task:
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    kinds = [line.split()[1] for line in story.lines if line.startswith("record")]
    assert kinds == ["intent", "outcome"]
    sent = "forward one read_it" in story.lines
    assert sent is (moment == "outcome")
    assert story.bodies[-1]["status"] == ("ok" if sent else "cancelled")


async def test_a_bug_of_ours_is_an_outcome_too_and_not_called_a_departure() -> None:
    story = Story()
    story.answer = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await story.tell()
    assert story.lines[-1] == "record outcome unknown"
    assert story.bodies[-1]["reason"] == "internal_error"


async def test_lists_and_discovery_are_not_recorded_and_reach_no_server() -> None:
    for method in ("tools/list", "prompts/list", "server/discover"):
        story = Story()
        await story.tell(a_call(None, method=method))
        assert story.lines == ["answer 200"], method


async def test_resource_lists_are_limited_and_reach_only_servers_the_person_may_read() -> None:
    story = Story()
    story.answer = Answer(status="ok", result={"resources": Raw(b"[]")})
    await story.tell(a_call(None, method="resources/list"))
    assert story.lines == ["throttle one://*", "forward one None", "answer 200"]
    story = Story()
    await story.tell(a_call(None, method="resources/list"), "support")
    assert story.lines == ["answer 200"]


@pytest.mark.parametrize(
    "method",
    [
        "tools/delete",
        "",
        "TOOLS/CALL",
        "completion/complete",
        "sampling/createMessage",
        "tasks/get",
        "ping",
        "initialize",
        "logging/setLevel",
    ],
)
async def test_a06_a_method_nobody_planned_for_is_unknown(method: str) -> None:
    story = Story()
    with pytest.raises(Refusal) as caught:
        await story.tell(a_call(None, method=method))
    assert (caught.value.http, caught.value.rpc) == (404, -32601)
    assert story.lines == []
