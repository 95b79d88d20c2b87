"""Labels come from registered names; nothing a caller or a server made up becomes a series."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from gateway.made import a_call, a_catalogue, a_policy, a_rule
from readings import Readings, readings

from mcp_gateway.call import Answer, Call
from mcp_gateway.telemetry.measures import Measures
from mcp_gateway.telemetry.tally import Attributes, counter, gauge, gauges

SERVED = "mcp.server.operation.duration"
SENT = "mcp.client.operation.duration"
OK = Answer(status="ok")


@pytest.fixture
def told() -> Iterator[Readings]:
    with readings() as made:
        yield made


def measures(told: Readings) -> Measures:
    policy = a_policy(
        a_rule("read_it"),
        replace(a_rule("write_it"), kind="write", cost=5),
        replace(a_rule("dear"), cost=5),
    )
    catalogue = a_catalogue(tools=("read_it", "write_it", "dear", "unruled"))
    return Measures(catalogue, lambda: policy, told.provider.get_meter("x"))


def served(made: Measures, call: Call, answer: Answer, seconds: float) -> None:
    made.operation(call, made.known_tool(call), answer, seconds)


def test_a_call_is_told_by_method_tool_class_and_outcome(told: Readings) -> None:
    made = measures(told)
    served(made, a_call(), OK, 0.1)
    served(made, a_call(), OK, 0.1)
    (found,) = [one for one in told.points() if one[0] == SERVED]
    assert found[1:] == (
        {
            "mcp.method.name": "tools/call", "mcp.protocol.version": "2026-07-28",
            "gen_ai.tool.name": "one_read_it", "mcp_gateway.tool.class": "read",
            "mcp_gateway.outcome": "ok",
        },
        2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "of"),
    [("read_it", "read"), ("write_it", "write"), ("dear", "expensive"), ("unruled", None)],
)
def test_the_class_of_a_tool_is_what_the_policy_says(
    told: Readings, name: str, of: str | None
) -> None:
    served(measures(told), a_call(f"one_{name}"), OK, 0.1)
    (labels,) = [labels for found, labels, _ in told.points() if found == SERVED]
    assert labels.get("mcp_gateway.tool.class") == of


def test_what_is_made_up_is_other(told: Readings) -> None:
    made = measures(told)
    for name in ("canary_1", "one_canary", None, "canary"):
        served(made, a_call(name), Answer(status="tool_error", reason="canary"), 0.1)
    served(made, a_call(method="canary/x"), Answer(status="failed", reason="canary"), 0.1)
    made.sent("one", a_call(method="canary/x"), Answer(status="failed", reason="canary"), 0.1)
    assert "canary" not in str(list(told.points()))
    assert told.one(SERVED, gen_ai__tool__name="_OTHER") == 4
    assert told.one(SERVED, mcp__method__name="_OTHER") == 1
    assert told.one(SENT, mcp__method__name="_OTHER", error__type="_OTHER") == 1


def test_the_same_tool_is_one_series_from_both_endpoints(told: Readings) -> None:
    made = measures(told)
    served(made, a_call("one_read_it"), OK, 0.1)
    served(made, a_call("read_it", endpoint="one"), OK, 0.1)
    assert told.one(SERVED, gen_ai__tool__name="one_read_it") == 2


def test_decisions_doors_and_exchanges_are_counted_by_their_words(told: Readings) -> None:
    made = measures(told)
    for _ in range(3):
        made.decided("allow", "role")
    made.decided("limit", "rate_limited")
    made.refused("invalid_token")
    made.exchanged("ok")
    assert told.one("mcp_gateway_decisions", decision="allow", reason="role") == 3
    assert told.one("mcp_gateway_decisions", decision="limit") == 1
    assert told.one("mcp_gateway_refused", code="invalid_token") == 1
    assert told.one("mcp_gateway.exchanges", outcome="ok") == 1


def test_a_request_to_a_server_is_told_by_server_and_method(told: Readings) -> None:
    made = measures(told)
    made.sent("one", a_call(), OK, 0.1)
    made.sent("one", a_call(), Answer(status="failed", reason="timed_out"), 3)
    made.appended.record(0.01)
    assert told.one(SENT, server__address="one", error__type="timed_out") == 1
    assert sum(told.of(SENT, server__address="one", mcp__method__name="tools/call")) == 2
    assert told.one("mcp_gateway.ledger.append.duration") == 1


def test_attributes_are_made_once_and_leave_out_what_is_not_there() -> None:
    made = Attributes("a", "b")
    assert made["1", None] == {"a": "1"}
    assert made["1", None] is made["1", None]
    with pytest.raises(ValueError, match="argument"):
        made["1",]


def test_a_reading_is_taken_when_metrics_are_collected(told: Readings) -> None:
    meter, now = told.provider.get_meter("x"), {"one": 1.0}
    gauge(meter, "g", "", lambda: now.get("g"))
    gauges(meter, "gs", "", "server", lambda: now)
    counter(meter, "c", "", lambda: int(now["one"]))
    assert told.of("g") == []
    now |= {"g": 5.0, "one": 2.0}
    assert told.one("g") == 5
    assert told.one("gs", server="one") == 2
    assert told.one("c") == 2
