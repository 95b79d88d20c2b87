"""Every check of every week, in the order of their ids."""

from mcp_playbook.checks import (
    week_1,
    week_2,
    week_3_identity,
    week_3_protocol,
    week_3_record,
    week_3_rehearsed,
    week_3_rights,
    week_4,
    week_4_replicas,
)
from mcp_playbook.checks.check import Check

_MODULES = (
    week_1, week_2, week_3_identity, week_3_rights, week_3_record, week_3_protocol,
    week_3_rehearsed, week_4, week_4_replicas,
)  # fmt: skip

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (one for module in _MODULES for one in vars(module).values() if isinstance(one, Check)),
        key=lambda check: check.id,
    )
)
WEEKS = {
    1: ("One server", "playbook/week-1-one-server/README.md"),
    2: ("Observability", "playbook/week-2-observability/README.md"),
    3: ("The gateway", "playbook/week-3-gateway/README.md"),
    4: ("Expansion", "playbook/week-4-expansion/README.md"),
}


def of_week(week: int) -> tuple[Check, ...]:
    return tuple(check for check in CHECKS if check.week == week)
