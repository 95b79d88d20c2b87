"""Week 3: what happens when a part is gone was seen here, not read about."""

from mcp_playbook import drill
from mcp_playbook.checks.check import line
from mcp_playbook.checks.needs import kit_of
from mcp_playbook.checks.rehearsal import recent
from mcp_playbook.deployment import Deployment

OUTAGES = ("ledger-down", "valkey-down", "issuer-down", "server-slow")


@line(
    "W3-21", "kit", "Outages were rehearsed: ledger, Valkey, issuer, a slow server",
    "A.5.29", "A.5.30", "CC7.4", "A1.3",
)  # fmt: skip
async def rehearsed(at: Deployment) -> str:
    known = {one.name: one for one in drill.DRILLS}
    return recent([known[name] for name in OUTAGES], kit_of(at).evidence)
