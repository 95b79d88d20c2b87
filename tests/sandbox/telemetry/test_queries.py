"""Queries have the shapes of Tempo and Prometheus, so that one check works against either."""

import base64
import re
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from sandbox.telemetry.sent import NOW, Standin, counter, histogram, span

from sandbox_telemetry.points import label_name, name_of
from sandbox_telemetry.selector import NotPlainError, parse


async def test_a_trace_comes_as_tempo_gives_it() -> None:
    standin = Standin()
    await standin.spans(span(enduser__id="ana", ok=True, count=3), zipped=True)
    await standin.spans(span(number=2, parent=1, name="SELECT", failed=True), service="crm")
    told = await standin.json("/api/traces/1")
    services = {
        batch["resource"]["attributes"][0]["value"]["stringValue"]: batch["scopeSpans"][0]["spans"]
        for batch in told["batches"]
    }
    (top,), (below,) = services["gateway"], services["crm"]
    assert base64.b64decode(top["traceId"]) == (1).to_bytes(16, "big")
    assert base64.b64decode(below["parentSpanId"]) == base64.b64decode(top["spanId"])
    assert top["kind"] == "SPAN_KIND_SERVER"
    assert below["status"]["code"] == "STATUS_CODE_ERROR"
    assert top["startTimeUnixNano"] == str(NOW * 10**9)
    held = {pair["key"]: pair["value"] for pair in top["attributes"]}
    assert held["enduser.id"] == {"stringValue": "ana"}
    assert (held["ok"], held["count"]) == ({"boolValue": True}, {"intValue": "3"})


async def test_an_unknown_trace_is_404_and_a_bad_id_400() -> None:
    standin = Standin()
    assert (await standin.http.get(f"/api/traces/{9:032x}")).status_code == 404
    for bad in ("zz", "1" * 33, "-1"):
        assert (await standin.http.get(f"/api/traces/{bad}")).status_code == 400


async def test_a_search_finds_traces_by_attributes_of_one_span() -> None:
    standin = Standin()
    await standin.spans(span(trace=1, enduser__id="ana", gen_ai__tool__name="crm_get_account"))
    await standin.spans(span(trace=2, enduser__id="ben", name="tools/call with blanks"))
    await standin.spans(span(trace=2, number=2, parent=1, note="ana"), service="crm")

    async def found(tags: str) -> list[int]:
        told = await standin.json("/api/search", tags=tags)
        return [int(one["traceID"], 16) for one in told["traces"]]

    assert await found("enduser.id=ana") == [1]
    assert await found('service.name=gateway name="tools/call with blanks"') == [2]
    assert await found("service.name=crm enduser.id=ben") == []
    assert await found("") == [2, 1]
    (first,) = (await standin.json("/api/search", tags="enduser.id=ben"))["traces"]
    assert first["rootServiceName"] == "gateway"
    assert first["rootTraceName"] == "tools/call with blanks"
    assert (first["durationMs"], first["startTimeUnixNano"]) == (10, str(NOW * 10**9))


async def test_a_search_is_limited_in_number_and_time() -> None:
    standin = Standin()
    for trace in range(1, 31):
        await standin.spans(span(trace=trace))
    assert len((await standin.json("/api/search"))["traces"]) == 20
    assert len((await standin.json("/api/search", limit="3"))["traces"]) == 3
    assert (await standin.json("/api/search", start=str(NOW + 5)))["traces"] == []
    assert (await standin.json("/api/search", end=str(NOW - 5)))["traces"] == []
    for bad in ({"q": "{}"}, {"limit": "many"}, {"tags": "no pair"}):
        assert (await standin.http.get("/api/search", params=bad)).status_code == 400


async def test_a_histogram_becomes_the_series_a_collector_makes() -> None:
    standin = Standin()
    duration = histogram(
        "mcp.server.operation.duration", [2, 1, 4], [0.01, 1], gen_ai__tool__name="get_account"
    )
    await standin.metrics(duration, service="crm")
    name = "mcp_server_operation_duration_seconds"
    names = await standin.json("/api/v1/label/__name__/values")
    assert names == {
        "status": "success",
        "data": [f"{name}_{end}" for end in ("bucket", "count", "sum")],
    }
    told = await standin.json("/api/v1/query", query=f'{name}_bucket{{job="crm"}}')
    assert told["data"]["resultType"] == "vector"
    values = {one["metric"]["le"]: one["value"][1] for one in told["data"]["result"]}
    assert values == {"0.01": "2", "1": "3", "+Inf": "7"}
    (one,) = (await standin.json("/api/v1/query", query=f"{name}_count"))["data"]["result"]
    labels = {"__name__": f"{name}_count", "job": "crm", "gen_ai_tool_name": "get_account"}
    assert one == {"metric": labels, "value": [NOW, "7"]}
    (total,) = (await standin.json("/api/v1/query", query=f"{name}_sum"))["data"]["result"]
    assert total["value"][1] == "1.5"


async def test_series_are_listed_by_selector() -> None:
    standin = Standin()
    await standin.metrics(counter("mcp_gateway_decisions", 3, decision="allow"))
    await standin.metrics(counter("mcp_gateway_decisions", 1, decision="deny"))
    told = await standin.json(
        "/api/v1/series", **{"match[]": 'mcp_gateway_decisions_total{decision="deny"}'}
    )
    assert told["data"] == [
        {"__name__": "mcp_gateway_decisions_total", "decision": "deny", "job": "gateway"}
    ]
    assert (await standin.http.get("/api/v1/series")).status_code == 400


async def test_a_newer_value_takes_the_place_of_the_older() -> None:
    standin = Standin()
    for value in (1, 5):
        await standin.metrics(counter("calls", value))
    (one,) = (await standin.json("/api/v1/query", query="calls_total"))["data"]["result"]
    assert one["value"][1] == "5"


async def test_points_without_a_series_are_counted_as_refused() -> None:
    delta = counter("calls", 1)
    delta.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    torn = histogram("seconds", [1, 2], [1, 2])
    assert await Standin().metrics(delta, torn) == 2


@pytest.mark.parametrize(
    "query",
    [
        "rate(calls_total[5m])", "calls_total[5m]", "sum(calls_total)", "calls_total > 1",
        'calls_total{tool=~"a.*"}', 'calls_total{tool!="a"}', "calls_total offset 5m",
        'calls_total{tool="a"', 'calls_total{tool="a"} x', '{tool=""}', "{}", "1",
        'a{__name__="b"}', "x" * 3_000,
    ],
)  # fmt: skip
async def test_anything_but_a_plain_selector_is_422_and_says_so(query: str) -> None:
    answer = await Standin().http.get("/api/v1/query", params={"query": query})
    assert answer.status_code == 422
    told = answer.json()
    assert (told["status"], told["errorType"]) == ("error", "execution")
    assert "plain selectors" in told["error"]
    assert (await Standin().http.get("/api/v1/query")).status_code == 400


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("up", {"__name__": "up"}),
        ('up{job="a", le="+Inf",}', {"__name__": "up", "job": "a", "le": "+Inf"}),
        ("{__name__='up', job='it\\'s'}", {"__name__": "up", "job": "it's"}),
        (r'up{job="a\\b\"c\n"}', {"__name__": "up", "job": 'a\\b"c\n'}),
    ],
)
def test_a_plain_selector_is_read(query: str, labels: dict[str, str]) -> None:
    assert parse(query) == labels


def test_a_selector_that_repeats_itself_otherwise_is_refused() -> None:
    with pytest.raises(NotPlainError, match="two values"):
        parse('up{job="a", job="b"}')


@pytest.mark.parametrize(
    ("metric", "unit", "kind", "name"),
    [
        ("mcp.server.operation.duration", "s", {}, "mcp_server_operation_duration_seconds"),
        ("http.client.duration", "ms", {}, "http_client_duration_milliseconds"),
        ("mcp_gateway_decisions", "", {"counter": True}, "mcp_gateway_decisions_total"),
        ("bytes.sent.total", "By", {"counter": True}, "bytes_sent_total"),
        ("calls", "{call}", {"counter": True}, "calls_total"),
        ("pool.usage", "1", {"gauge": True}, "pool_usage_ratio"),
        ("flow", "By/s", {}, "flow_bytes_per_second"),
        ("2xx", "", {}, "_2xx"),
    ],
)
def test_names_are_those_a_collector_gives(
    metric: str, unit: str, kind: dict[str, Any], name: str
) -> None:
    assert name_of(metric, unit, **kind) == name
    assert re.fullmatch(r"[A-Za-z_:][A-Za-z0-9_:]*", name)


def test_labels_have_names_that_prometheus_takes() -> None:
    assert label_name("gen_ai.tool.name") == "gen_ai_tool_name"
    assert label_name("0day") == "key_0day"
