"""What the ledger says about calls just made: read as its reader, verified by its own verifier."""

import subprocess
import sys
from datetime import datetime

import asyncpg

from mcp_local import environment
from mcp_local.fill import Filler, with_database, with_login
from mcp_local.governed import Outcome

VERIFY_SECONDS = 120


def reader_url(filler: Filler) -> str:
    role = "audit_reader"
    url = with_database(filler.postgres, "ledger")
    return with_login(url, role, filler.secrets.get(f"postgres-{role}"))


async def record_of(filler: Filler, outcome: Outcome, since: datetime) -> str | None:
    """A refused caller gets no receipt; its record is looked up by person and tool."""
    if outcome.record:
        return outcome.record
    try:
        connection = await asyncpg.connect(reader_url(filler), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return None
    try:
        found = await connection.fetchrow(
            "SELECT seg, seq FROM audit.record WHERE person = $1 AND tool = $2 AND ts >= $3 "
            "ORDER BY ts DESC LIMIT 1",
            outcome.call.person, outcome.call.tool, since,
        )  # fmt: skip
    except asyncpg.PostgresError:
        return None
    finally:
        await connection.close()
    return f"{str(found['seg'])[:8]}/{found['seq']}" if found else None


def verified(filler: Filler, *more: str) -> tuple[str, str]:
    """`yes` or `no`, and the verifier's own words."""
    gateway = filler.plan.part("gateway")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mcp_gateway.audit", "verify", *more],
            env=environment.of_process(gateway, filler), cwd=filler.place.root,
            check=False, capture_output=True, text=True, timeout=VERIFY_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "no", f"the verifier took longer than {VERIFY_SECONDS} s"
    words = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    if done.returncode == 0:
        return "yes", words[0] if words else ""
    return "no", "\n".join(words[-5:])
