"""Whether drills were run here lately: their records beside the evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from mcp_playbook import drill
from mcp_playbook.checks.check import Failed, NotYet

DAYS = 90


def recent(wanted: Sequence[drill.Drill], evidence: Path) -> str:
    """The drills' dates. Raises Failed for one that ended badly, NotYet for one not run lately."""
    records = {record.name: record for record in drill.records(evidence)}
    told = []
    for one in wanted:
        record = records.get(one.name)
        if record is None:
            raise NotYet(f"{one.name} was never run here", do=f"make drill NAME={one.name}")
        days = (datetime.now(UTC) - record.date).days
        if days > DAYS:
            raise NotYet(f"{one.name} was run {days} days ago", do=f"make drill NAME={one.name}")
        if not record.passed:
            raise Failed(
                f"{one.name} did not go as it should on {record.date:%Y-%m-%d}",
                do=f"playbook/runbooks/{one.page}, then make drill NAME={one.name}",
            )
        told.append(f"{one.name} {record.date:%Y-%m-%d}")
    return ", ".join(told)
