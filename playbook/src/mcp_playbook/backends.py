"""Traces by Tempo's API and metrics by Prometheus': what a deployment's telemetry says."""

import asyncio
import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from mcp_playbook import wire

STEP_SECONDS = 0.5


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    id: str
    parent: str
    attributes: Mapping[str, Any]


Enough = Callable[[list[Span]], bool]


async def trace(base: str, trace_id: str, enough: Enough, within: float) -> list[Span]:
    """The trace's spans, once there are enough of them or time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    found: list[Span] = []
    while True:
        try:
            answer = await wire.get(f"{base}/api/traces/{trace_id}")
            found = _spans(answer.json()) if answer.status_code == 200 else []
        except (httpx2.HTTPError, ValueError):
            found = []
        if enough(found) or loop.time() > until:
            return found
        await asyncio.sleep(STEP_SECONDS)


def _spans(document: Mapping[str, Any]) -> list[Span]:
    batches = document.get("batches") or document.get("resourceSpans") or []
    return [
        Span(
            service=str(_values(batch.get("resource", {})).get("service.name", "")),
            name=str(span.get("name", "")),
            id=_id(span.get("spanId", "")),
            parent=_id(span.get("parentSpanId", "")),
            attributes=_values(span),
        )
        for batch in batches
        for scope in batch.get("scopeSpans", [])
        for span in scope.get("spans", [])
    ]


def _values(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {
        one["key"]: next(iter((one.get("value") or {"": None}).values()))
        for one in holder.get("attributes", [])
    }


def _id(text: str) -> str:
    """Hex; Tempo writes ids in base64."""
    if len(text) in (0, 16) and all(c in "0123456789abcdef" for c in text):
        return text
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError):
        return text


async def series(
    base: str, metric: str, wanted: set[tuple[str, str]], within: float
) -> set[tuple[str, str]]:
    """Which of these (service, tool) have no series of the metric when time is up."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within
    while True:
        missing = wanted - await _series(base, metric)
        if not missing or loop.time() > until:
            return missing
        await asyncio.sleep(STEP_SECONDS)


async def _series(base: str, metric: str) -> set[tuple[str, str]]:
    try:
        answer = await wire.get(f"{base}/api/v1/series", params={"match[]": metric})
        rows = answer.json().get("data", []) if answer.status_code == 200 else []
    except (httpx2.HTTPError, ValueError):
        return set()
    return {
        # a collector names the service by job, the SDK's own exporter by service_name
        (str(row.get("service_name") or row.get("job", "")), str(row.get("gen_ai_tool_name", "")))
        for row in rows
    }
