"""The gateway's own metrics: duration per method and tool, decisions, refusals at the door.

Labels come from registered names only; whatever a caller made up is `_OTHER`.
"""

from typing import Any

from opentelemetry import metrics

from mcp_gateway.call import AGGREGATE, Answer, Call
from mcp_gateway.catalogue import Catalogue
from mcp_shared.telemetry import operation_duration

METHODS = frozenset(
    {
        "tools/call", "tools/list", "prompts/get", "prompts/list", "resources/read",
        "resources/list", "resources/templates/list", "server/discover", "initialize", "ping",
        "completion/complete", "subscriptions/listen", "logging/setLevel",
    }
)  # fmt: skip


class Measures:
    def __init__(self, catalogue: Catalogue) -> None:
        meter = metrics.get_meter("mcp_gateway")
        self._duration = operation_duration("server")
        self._decisions = meter.create_counter(
            "mcp_gateway_decisions", description="Decisions on calls, by decision and reason"
        )
        self._door = meter.create_counter(
            "mcp_gateway_refused", description="Requests refused at the door, by code"
        )
        self._catalogue = catalogue

    def known_method(self, call: Call) -> str:
        return call.method if call.method in METHODS else "_OTHER"

    def known_tool(self, call: Call) -> str | None:
        """The tool's name on the aggregate endpoint; None for what is no tool call."""
        if call.method != "tools/call":
            return None
        name = call.name if call.endpoint == AGGREGATE else f"{call.endpoint}_{call.name}"
        server, _, tool = (name or "").partition("_")
        pinned = self._catalogue.servers.get(server)
        return name if pinned is not None and tool in pinned.tools else "_OTHER"

    def operation(self, call: Call, answer: Answer, seconds: float) -> None:
        attributes: dict[str, Any] = {
            "mcp.method.name": self.known_method(call),
            "mcp.protocol.version": call.version,
        }
        if (tool := self.known_tool(call)) is not None:
            attributes["gen_ai.tool.name"] = tool
        if answer.status != "ok":
            attributes["error.type"] = answer.reason or answer.status
        self._duration.record(seconds, attributes)

    def decided(self, decision: str, reason: str) -> None:
        self._decisions.add(1, {"decision": decision, "reason": reason})

    def refused(self, code: str) -> None:
        self._door.add(1, {"code": code})
