"""Spans as a trace backend gives them, Tempo's way; and the last values of metrics, Prometheus'."""

import asyncio
import json
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_local.load import Stack

SECONDS = 60.0  # until what was exported must be there
EVERYTHING = 200


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    kind: str
    id: str
    parent: str
    attributes: dict[str, Any]
    told: str  # every text in it but ids

    @property
    def method(self) -> str:
        return str(self.attributes.get("mcp.method.name", ""))


def ask(stack: Stack, path: str, **query: str) -> Any:
    base = json.loads(stack.here.stack.read_text())["telemetry"]
    with urllib.request.urlopen(
        f"{base}{path}?{urllib.parse.urlencode(query)}", timeout=10
    ) as answer:
        return json.load(answer)


def trace(stack: Stack, trace_id: str) -> list[Span]:
    found = ask(stack, f"/api/traces/{trace_id}")
    return [span for batch in found["batches"] for span in _of_batch(batch)]


def search(stack: Stack, tags: str = "") -> list[str]:
    """Ids of the traces, the latest first."""
    found = ask(stack, "/api/search", tags=tags, limit=str(EVERYTHING))
    return [one["traceID"] for one in found["traces"]]


def values(stack: Stack, selector: str) -> list[tuple[dict[str, str], float]]:
    found = ask(stack, "/api/v1/query", query=selector)["data"]["result"]
    return [(one["metric"], float(one["value"][1])) for one in found]


async def eventually(found: Any) -> Any:
    """What `found` returns, once it is something; waits as long as an export may take."""
    deadline = time.monotonic() + SECONDS
    while not (result := await asyncio.to_thread(found)):
        assert time.monotonic() < deadline, "nothing of the kind has arrived"
        await asyncio.sleep(0.2)
    return result


def _of_batch(batch: dict[str, Any]) -> Iterator[Span]:
    service = _values(batch["resource"]["attributes"])["service.name"]
    for group in batch["scopeSpans"]:
        for span in group["spans"]:
            ids = {"traceId", "spanId", "parentSpanId", "links"}
            yield Span(
                service=service,
                name=span["name"],
                kind=span["kind"].removeprefix("SPAN_KIND_"),
                id=span["spanId"],
                parent=span.get("parentSpanId", ""),
                attributes=_values(span.get("attributes", [])),
                told=json.dumps({key: held for key, held in span.items() if key not in ids}),
            )


def _values(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values()), "") for one in attributes}
