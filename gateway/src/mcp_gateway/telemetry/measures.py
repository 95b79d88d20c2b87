"""The gateway's own metrics: durations, decisions, refusals at the door, tokens asked for.

Labels come from registered names only; whatever a caller or a server made up is `_OTHER`. How many
series that can come to is in infra/observability/README.md.
"""

from collections.abc import Callable

from opentelemetry import metrics
from opentelemetry.metrics import Meter

from mcp_gateway.call import AGGREGATE, Answer, Call
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.rights.policy import Policy
from mcp_gateway.telemetry.outcomes import OTHER, error, outcome
from mcp_gateway.telemetry.tally import Attributes, Tally
from mcp_shared.telemetry import operation_duration

METHODS = frozenset(
    {
        "tools/call", "tools/list", "prompts/get", "prompts/list", "resources/read",
        "resources/list", "resources/templates/list", "server/discover", "initialize", "ping",
        "completion/complete", "subscriptions/listen", "logging/setLevel", "tasks/get",
        "tasks/update", "tasks/cancel",
    }
)  # fmt: skip
# seconds; a commit takes one to ten, an append that waits two is refused
APPEND_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Measures:
    def __init__(
        self, catalogue: Catalogue, policy: Callable[[], Policy], meter: Meter | None = None
    ) -> None:
        meter = meter or metrics.get_meter("mcp_gateway")
        self._served = operation_duration("server", meter)
        self._sent = operation_duration("client", meter)
        self.appended = meter.create_histogram(
            "mcp_gateway.ledger.append.duration",
            unit="s",
            description="Until the oldest record of a block is durable, per block",
            explicit_bucket_boundaries_advisory=list(APPEND_BUCKETS),
        )
        self._decisions = Tally(
            meter, "mcp_gateway_decisions", "Decisions on calls", "decision", "reason"
        )
        self._door = Tally(meter, "mcp_gateway_refused", "Requests refused at the door", "code")
        self._exchanges = Tally(
            meter, "mcp_gateway.exchanges", "Tokens for servers asked of the issuer", "outcome"
        )
        self._catalogue = catalogue
        self._policy = policy
        self._of_call = Attributes(
            "mcp.method.name", "mcp.protocol.version", "gen_ai.tool.name",
            "mcp_gateway.tool.class", "mcp_gateway.outcome", "error.type",
        )  # fmt: skip
        self._of_request = Attributes("server.address", "mcp.method.name", "error.type")

    def known_method(self, call: Call) -> str:
        return call.method if call.method in METHODS else OTHER

    def known_tool(self, call: Call) -> str | None:
        """The tool's name on the aggregate endpoint; None for what is no tool call."""
        if call.method != "tools/call":
            return None
        name = call.name if call.endpoint == AGGREGATE else f"{call.endpoint}_{call.name}"
        server, _, tool = (name or "").partition("_")
        pinned = self._catalogue.servers.get(server)
        return name if pinned is not None and tool in pinned.tools else OTHER

    def operation(self, call: Call, tool: str | None, answer: Answer, seconds: float) -> None:
        """A call as its client saw it; `tool` is its known name."""
        of_call = (
            self.known_method(call), call.version, tool, self._class(tool), outcome(answer),
            error(answer),
        )  # fmt: skip
        self._served.record(seconds, self._of_call[of_call])

    def sent(self, server: str, call: Call, answer: Answer, seconds: float) -> None:
        """A request to a server, as it looked from here."""
        of_request = (server, self.known_method(call), error(answer))
        self._sent.record(seconds, self._of_request[of_request])

    def decided(self, decision: str, reason: str) -> None:
        self._decisions.add(decision, reason)

    def refused(self, code: str) -> None:
        self._door.add(code)

    def exchanged(self, outcome: str) -> None:
        self._exchanges.add(outcome)

    def _class(self, tool: str | None) -> str | None:
        """What a latency objective is set for: read, write, or expensive by the policy's cost."""
        server, _, name = (tool or "").partition("_")
        rule = self._policy().rule(server, "tool", name)
        if rule is None:
            return None
        return "write" if rule.kind == "write" else "expensive" if rule.cost > 1 else "read"
