"""Grafana's dashboards from infra/observability/dashboards.toml: a line there is a panel here.

`python -m infra_checks.dashboards` writes them. Nothing but Prometheus is asked, by a variable, so
that they can be imported anywhere.
"""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcp_local.place import find_root

SOURCE = Path("infra/observability/dashboards.toml")
FOLDER = Path("infra/observability/dashboards")
COLUMNS = 24
SCHEMA = 41  # of Grafana 12; older ones read it, newer ones migrate it
PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
NEVER_BELOW_ZERO = {"reqps", "ops", "s"}
KINDS = {"line": "timeseries", "stat": "stat", "table": "table", "bars": "bargauge"}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Panel(Strict):
    title: str
    # expression → legend
    expr: dict[str, str]
    show: Literal["line", "stat", "table", "bars"] = "line"
    unit: str = "short"
    width: int = Field(default=12, ge=3, le=COLUMNS)
    height: int = Field(default=8, ge=3, le=20)
    help: str = ""
    stack: bool = False
    # empty as long as nothing goes wrong
    on_failure: bool = False


class Dashboard(Strict):
    uid: str = Field(pattern="^mcp-[a-z]+$")
    title: str
    about: str
    panel: list[Panel]
    # variable → what its values are
    choose: dict[str, str] = Field(default_factory=dict)


def read(text: str) -> list[Dashboard]:
    return [Dashboard.model_validate(one) for one in tomllib.loads(text)["dashboard"]]


def files(dashboards: list[Dashboard]) -> dict[Path, str]:
    """Every file, by its path from the repository's root."""
    return {
        FOLDER / f"{one.uid.removeprefix('mcp-')}.json": json.dumps(
            rendered(one), indent=1, ensure_ascii=False
        )
        + "\n"
        for one in dashboards
    }


def rendered(one: Dashboard) -> dict[str, Any]:
    return {
        "uid": one.uid,
        "title": one.title,
        "description": one.about,
        "tags": ["mcp"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": list(_variables(one))},
        "annotations": {"list": []},
        "links": [
            {
                "title": "MCP", "type": "dashboards", "tags": ["mcp"], "asDropdown": True,
                "includeVars": False, "keepTime": True,
            }
        ],
        "panels": list(_panels(one.panel)),
    }  # fmt: skip


def _variables(one: Dashboard) -> Iterator[dict[str, Any]]:
    yield {
        "name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus",
        "current": {}, "hide": 0,
    }  # fmt: skip
    for name, query in one.choose.items():
        yield {
            "name": name, "type": "query", "datasource": PROMETHEUS, "definition": query,
            "query": {"query": query, "refId": name}, "refresh": 2, "sort": 1, "multi": True,
            "includeAll": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
        }  # fmt: skip


def _panels(panels: list[Panel]) -> Iterator[dict[str, Any]]:
    """From left to right, and a new row where one does not fit."""
    x = y = tallest = 0
    for number, one in enumerate(panels, 1):
        if x + one.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": one.width, "h": one.height}
        x, tallest = x + one.width, max(tallest, one.height)
        yield {
            "id": number,
            "type": KINDS[one.show],
            "title": one.title,
            "description": one.help,
            "datasource": PROMETHEUS,
            "gridPos": place,
            "fieldConfig": {"defaults": _defaults(one), "overrides": []},
            "options": _options(one),
            "targets": list(_targets(one)),
        }


def _defaults(one: Panel) -> dict[str, Any]:
    custom: dict[str, Any] = {"fillOpacity": 20 if one.stack else 0, "showPoints": "never"}
    if one.stack:
        custom["stacking"] = {"mode": "normal"}
    plain = {"unit": one.unit, "noValue": "nothing" if one.on_failure else "no data"}
    if one.show != "line":
        return plain
    floor = {"min": 0} if one.unit in NEVER_BELOW_ZERO else {}
    return {**plain, **floor, "custom": custom}


def _options(one: Panel) -> dict[str, Any]:
    if one.show == "line":
        return {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if one.show == "table":
        return {"showHeader": True}
    return {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal"}


def _targets(one: Panel) -> Iterator[dict[str, Any]]:
    for letter, (expr, legend) in zip("ABCDEFGH", one.expr.items(), strict=False):
        yield {
            "refId": letter, "datasource": PROMETHEUS, "expr": expr, "legendFormat": legend,
            "instant": one.show != "line", "range": one.show == "line", "exemplar": False,
            "format": "table" if one.show == "table" else "time_series",
        }  # fmt: skip


def main() -> int:
    root = find_root(Path.cwd())
    for path, text in files(read((root / SOURCE).read_text("utf-8"))).items():
        (root / path).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
