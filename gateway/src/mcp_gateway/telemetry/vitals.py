"""How the gateway's parts are, read when metrics are exported: no call counts or waits for it.

Each reading is a look at what a part keeps anyhow, from the exporter's own thread.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry import metrics
from opentelemetry.metrics import Meter

from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.room import Room
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.definitions.drift import Drift
from mcp_gateway.limits.throttle import ValkeyThrottle
from mcp_gateway.switches.live import Switches
from mcp_gateway.telemetry.tally import counter, gauge, gauges
from mcp_gateway.upstream.forward import Forward
from mcp_shared.tokens import KeySource


@dataclass(frozen=True)
class Vitals:
    ledger: Ledger
    throttle: ValkeyThrottle
    forward: Forward
    catalogue: Catalogue
    drift: Drift
    switches: Switches
    keys: KeySource
    replicas: int  # as configured: who share the limits
    checkpointing: Checkpointing | None = None
    room: Room | None = None

    def watch(self, meter: Meter | None = None) -> None:
        """Tell the export what to read."""
        meter = meter or metrics.get_meter("mcp_gateway")
        self._ledger(meter)
        gauge(
            meter, "mcp_gateway.limiter.alone",
            "1 while limits are counted by this replica alone", lambda: self.throttle.alone,
        )  # fmt: skip
        gauge(
            meter, "mcp_gateway.issuer_keys.age", "Since the issuer last gave its keys",
            lambda: self.keys.age, "s",
        )  # fmt: skip
        gauge(
            meter, "mcp_gateway.replicas", "How many replicas there are by the configuration",
            lambda: self.replicas,
        )  # fmt: skip
        if (checkpointing := self.checkpointing) is not None:
            gauge(
                meter, "mcp_gateway.checkpoint.age",
                "Since all that was recorded was covered by a checkpoint; of the one that writes",
                lambda: checkpointing.age, "s",
            )  # fmt: skip
        if (room := self.room) is not None:
            gauge(
                meter, "mcp_gateway.ledger.disk.used",
                "Part of the ledger's disk in use, 0 to 1; calls that read end at 0.9, all at 0.95",
                lambda: room.used, "1",
            )  # fmt: skip
        by_server = (
            ("mcp_gateway.breaker.open", "1 while a server rests", lambda: self.forward.resting),
            ("mcp_gateway.quarantined", "Definitions in quarantine", self.catalogue.drifts),
            (
                "mcp_gateway.compared", "1 when a server's definitions could be compared",
                lambda: self.drift.compared,
            ),
        )  # fmt: skip
        for name, description, read in by_server:
            gauges(meter, name, description, "server", read)
        gauges(
            meter, "mcp_gateway.switches", "What operators have closed or revoked", "kind",
            self._closed,
        )  # fmt: skip

    def _ledger(self, meter: Meter) -> None:
        ledger = self.ledger
        counted = (
            ("records", "Records made durable", lambda: ledger.records),
            ("blocks", "Blocks made durable", lambda: ledger.blocks),
            ("refused", "Records that could not be made durable", lambda: ledger.refused),
        )
        for name, description, read in counted:
            counter(meter, f"mcp_gateway.ledger.{name}", description, read)
        gauge(
            meter, "mcp_gateway.ledger.writable", "1 while a record would be accepted",
            lambda: ledger.healthy,
        )  # fmt: skip
        gauge(
            meter, "mcp_gateway.ledger.backlog", "Records that wait for the next block",
            lambda: ledger.backlog,
        )  # fmt: skip
        gauge(
            meter, "mcp_gateway.audit.lag", "How long the oldest record has waited",
            lambda: ledger.lag, "s",
        )  # fmt: skip
        gauge(
            meter, "mcp_gateway.ledger.durable.time", "When a block last became durable",
            lambda: ledger.durable_at, "s",
        )  # fmt: skip

    def _closed(self) -> Mapping[str, int]:
        return self.switches.closed.counts
