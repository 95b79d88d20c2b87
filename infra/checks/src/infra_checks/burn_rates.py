"""Recording rules and burn-rate alerts from infra/observability/slo.toml, with Sloth's names.

`python -m infra_checks.burn_rates` writes them. Two windows must both burn: the long one shows that
it matters, the short one that it still goes on (Google's SRE workbook, chapter 5).
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from mcp_local.place import find_root
from mcp_shared.telemetry import BUCKETS

SOURCE = Path("infra/observability/slo.toml")
TARGET = Path("infra/observability/rules/slo.rules.yaml")
HEAD = f"# Made from {SOURCE.name} by `python -m infra_checks.burn_rates`; change it there.\n"
PERIOD_DAYS = 30
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# severity → how long it must hold, and (long window, short window, times the even pace) of each
ALERTS = {
    "page": ("2m", (("1h", "5m", 14.4), ("6h", "30m", 6.0))),  # 2 % and 5 % of the budget
    "ticket": ("15m", (("1d", "2h", 3.0), ("3d", "6h", 1.0))),  # 10 % of it, each
}
SERVED = "mcp_server_operation_duration_seconds"

Rule = dict[str, Any]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Under(Strict):
    """Faster than so many seconds, of the calls of one class."""

    class_: str = Field(alias="class", pattern="^(read|write|expensive)$")
    seconds: float


class Objective(Strict):
    name: str = Field(pattern="^[a-z-]+$")
    target: float = Field(gt=50, lt=100)
    minimum: int = Field(ge=1)
    runbook: str
    alert: str
    summary: str
    bad: str = ""
    all: str = ""
    under: Under | None = None

    @property
    def budget(self) -> float:
        return round(1 - self.target / 100, 6)

    def events(self) -> tuple[str, str]:
        """Bad ones and all of them, per second, with `$window` still in it."""
        if self.under is None:
            return " ".join(self.bad.split()), " ".join(self.all.split())
        if self.under.seconds not in BUCKETS:
            raise ValueError(f"{self.name}: {self.under.seconds:g} s is no bucket of the histogram")
        of = f'mcp_gateway_tool_class="{self.under.class_}", mcp_gateway_outcome=~"ok|tool_error"'
        every = f"sum(rate({SERVED}_count{{{of}}}[$window]))"
        bound = f"{self.under.seconds:g}"
        fast = f'sum(rate({SERVED}_bucket{{{of}, le=~"{bound}|{bound}[.]0"}}[$window]))'
        return f"{every} - {fast}", every


class Slo(Strict):
    service: str
    runbooks: str
    objective: list[Objective]


def read(text: str) -> Slo:
    return Slo.model_validate(tomllib.loads(text))


def rendered(slo: Slo) -> str:
    # one group each: its rules run in order, so an alert sees what was recorded a moment ago
    groups = [
        {
            "name": f"slo-{one.name}",
            "rules": [*recordings(slo, one), *about(slo, one), *alerts(slo, one)],
        }
        for one in slo.objective
    ]
    return HEAD + yaml.dump({"groups": groups}, Dumper=Plain, sort_keys=False, width=10_000)


class Plain(yaml.SafeDumper):
    """No anchors: each rule is read by itself."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  the dumper's signature
        return True


def _labels(slo: Slo, one: Objective) -> dict[str, str]:
    return {
        "sloth_id": f"{slo.service}-{one.name}", "sloth_service": slo.service,
        "sloth_slo": one.name,
    }  # fmt: skip


def _of(slo: Slo, one: Objective) -> str:
    return f'{{sloth_id="{slo.service}-{one.name}"}}'


def recordings(slo: Slo, one: Objective) -> Iterator[Rule]:
    bad, every = one.events()
    for window in WINDOWS:
        labels = {**_labels(slo, one), "sloth_window": window}
        # nothing was called: nothing to say, rather than 0/0, which would spoil every sum over it
        expr = f"({bad}) / (({every}) > 0)".replace("$window", window)
        yield {"record": f"slo:sli_error:ratio_rate{window}", "expr": expr, "labels": labels}
    for window in sorted({long for _, pairs in ALERTS.values() for long, _, _ in pairs}):
        expr = f"({bad}) * {_seconds(window)}".replace("$window", window)
        yield {
            "record": f"slo:sli_error:increase{window}", "expr": expr, "labels": _labels(slo, one),
        }  # fmt: skip


def about(slo: Slo, one: Objective) -> Iterator[Rule]:
    of, labels = _of(slo, one), _labels(slo, one)
    recent = f"slo:sli_error:ratio_rate5m{of}[{PERIOD_DAYS}d]"
    budget = f"on(sloth_id) group_left() slo:error_budget:ratio{of}"
    for name, expr in (
        ("slo:objective:ratio", f"vector({one.target / 100:g})"),
        ("slo:error_budget:ratio", f"vector({one.budget:g})"),
        ("slo:time_period:days", f"vector({PERIOD_DAYS})"),
        ("slo:current_burn_rate:ratio", f"slo:sli_error:ratio_rate5m{of} / {budget}"),
        (
            f"slo:sli_error:ratio_rate{PERIOD_DAYS}d",
            f"sum_over_time({recent}) / count_over_time({recent})",
        ),
        (
            "slo:period_burn_rate:ratio",
            f"slo:sli_error:ratio_rate{PERIOD_DAYS}d{of} / {budget}",
        ),
        (
            "slo:period_error_budget_remaining:ratio",
            f"1 - slo:period_burn_rate:ratio{of}",
        ),
    ):
        window = {"sloth_window": f"{PERIOD_DAYS}d"} if "ratio_rate" in name else {}
        yield {"record": name, "expr": expr, "labels": {**labels, **window}}


def alerts(slo: Slo, one: Objective) -> Iterator[Rule]:
    of = _of(slo, one)
    for severity, (holds, pairs) in ALERTS.items():
        burning = [
            " and ".join(
                (
                    f"max without(sloth_window) (slo:sli_error:ratio_rate{short}{of}) > {over}",
                    f"max without(sloth_window) (slo:sli_error:ratio_rate{long}{of}) > {over}",
                    f"slo:sli_error:increase{long}{of} >= {one.minimum}",
                )
            )
            for long, short, times in pairs
            for over in (f"({times:g} * {one.budget:g})",)
        ]
        speed = "fast" if severity == "page" else "steadily"
        yield {
            "alert": f"{one.alert}Burns{speed.capitalize()}",
            "expr": " or ".join(f"({expr})" for expr in burning),
            "for": holds,
            "labels": {**_labels(slo, one), "severity": severity},
            "annotations": {
                "summary": f"{one.summary}: the budget of {PERIOD_DAYS} days burns {speed}",
                "description": "At {{ $value | humanizePercentage }} now; "
                f"{one.target:g} % are promised.",
                "runbook_url": slo.runbooks + one.runbook,
            },
        }


def _seconds(window: str) -> int:
    return int(window[:-1]) * {"m": 60, "h": 3600, "d": 86_400}[window[-1]]


def main() -> int:
    root = find_root(Path.cwd())
    (root / TARGET).write_text(rendered(read((root / SOURCE).read_text("utf-8"))), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
