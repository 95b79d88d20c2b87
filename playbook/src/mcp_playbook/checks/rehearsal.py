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
    if never := [one.name for one in wanted if one.name not in records]:
        raise NotYet(
            f"never run here: {', '.join(never)}",
            do=f"make drill NAME={never[0] if len(never) == 1 else 'all'}",
        )
    told = []
    for one in wanted:
        record = records[one.name]
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
