"""The collector, the rules and the dashboards: what validators say about infra/observability."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from infra_checks import alert_rules, burn_rates, collector_files, dashboards, metric_table
from infra_checks.bench import Bench, NotRunError, complaints
from infra_checks.check import Check, Ran
from infra_checks.metric_table import Metric
from infra_checks.promtool import promtool

FOLDER = Path("infra/observability")
# Grafana fills these in; anything of the right form does for a parser
FILLED = {"$__rate_interval": "5m", "$__range": "1h", "$tool": ".*", "$slo": ".*"}
# so that no overlay asks a cloud for credentials while it is read
NOWHERE = {
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "eu-central-1", "AWS_LOG_GROUP": "group",
    "AMP_REMOTE_WRITE": "https://aps.example/api/v1/remote_write",
    "GRAFANA_CLOUD_OTLP": "https://otlp.example/otlp", "GRAFANA_CLOUD_BASIC": "eA==",
}  # fmt: skip
UNREAD = {"datadog.yaml"}  # by a collector without its exporter


def expressions(root: Path) -> Iterator[tuple[str, str]]:
    """Where each expression of a dashboard stands, and the expression, filled in."""
    for path in sorted((root / FOLDER / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                expr = target["expr"]
                for name, value in FILLED.items():
                    expr = expr.replace(name, value)
                yield f"{path.name}: {panel['title']}", expr


def generated(bench: Bench) -> Ran:
    slo = (bench.root / burn_rates.SOURCE).read_text("utf-8")
    panels = (bench.root / dashboards.SOURCE).read_text("utf-8")
    made = {
        burn_rates.TARGET: burn_rates.rendered(burn_rates.read(slo)),
        **dashboards.files(dashboards.read(panels)),
    }
    there = {
        path.relative_to(bench.root) for path in (bench.root / dashboards.FOLDER).glob("*.json")
    }
    found = [
        f"{path}: is not what its source makes; python -m infra_checks.burn_rates or .dashboards"
        for path, text in made.items()
        if not (bench.root / path).is_file() or (bench.root / path).read_text("utf-8") != text
    ]
    found += [f"{path}: nothing makes it" for path in sorted(there - set(made))]
    return Ran(f"{len(made)} files", (), tuple(found))


def rules(bench: Bench) -> Ran:
    tool, files = promtool(bench), alert_rules.rule_files(bench.root)
    found = [*complaints(bench.run(tool, "check", "rules", "--lint-fatal", *files))]
    found += alert_rules.findings(bench.root)
    alerts = sum(1 for path in files for _ in alert_rules.alerts(path))
    return Ran(
        f"{len(files)} files, {alerts} alerts", (bench.said(tool, "--version"),), tuple(found)
    )


def tests(bench: Bench) -> Ran:
    tool, files = promtool(bench), alert_rules.test_files(bench.root)
    found = complaints(bench.run(tool, "test", "rules", *files))
    return Ran(f"{len(files)} files", (bench.said(tool, "--version"),), found)


def both_ways(bench: Bench) -> Ran:
    tool = promtool(bench)
    found = tuple(alert_rules.unnoticed(bench, tool))
    alerts = sum(1 for path in alert_rules.rule_files(bench.root) for _ in alert_rules.alerts(path))
    return Ran(f"{alerts} alerts", (bench.said(tool, "--version"),), found)


def panels(bench: Bench) -> Ran:
    """Every expression of a dashboard, wrapped as a rule."""
    tool, every = promtool(bench), list(expressions(bench.root))
    made = [{"record": f"panel:{n}", "expr": expr} for n, (_, expr) in enumerate(every)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panels.yaml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": made}]}))
        found = complaints(bench.run(tool, "check", "rules", path))
    return Ran(f"{len(every)} expressions", (bench.said(tool, "--version"),), found)


def _of_rules(root: Path) -> Iterator[tuple[str, str]]:
    for path in alert_rules.rule_files(root):
        for rule in alert_rules.rules(path):
            yield f"{path.name}: {rule.get('alert') or rule['record']}", rule["expr"]


def names(bench: Bench) -> Ran:
    """Every metric that a rule or a panel names is one that exists."""
    known = known_metrics(bench.root)
    every = [*expressions(bench.root), *_of_rules(bench.root)]
    found = [
        f"{where}: {name} is not in the table of README.md"
        for where, expr in every
        for name in metric_table.unknown(expr, known)
    ]
    used = set[str]().union(*(metric_table.named(expr) for _, expr in every))
    whole = used | {metric_table.PARTS_OF_A_HISTOGRAM.sub("", name) for name in used}
    found += [f"README.md: no rule and no panel uses {name}" for name in sorted(set(known) - whole)]
    return Ran(f"{len(every)} expressions, {len(known)} metrics", (), tuple(found))


def known_metrics(root: Path) -> dict[str, Metric]:
    return metric_table.metrics((root / FOLDER / "README.md").read_text("utf-8"))


def collector(bench: Bench) -> Ran:
    folder = bench.root / collector_files.FOLDER
    page = (bench.root / FOLDER / "README.md").read_text("utf-8")
    files = 1 + len(collector_files.overlays(folder))
    return Ran(f"{files} files", (), tuple(collector_files.findings(folder, page)))


def validated(bench: Bench) -> Ran:
    """By the collector itself, where somebody has built one."""
    program = os.environ.get("OTELCOL")
    if not program:
        raise NotRunError("OTELCOL names no collector; infra/observability/README.md builds one")
    folder = bench.root / collector_files.FOLDER
    over = [name for name in collector_files.overlays(folder) if name not in UNREAD]
    found: list[str] = []
    for name in (None, *over):
        files = [folder / collector_files.FIRST, *([folder / name] if name else [])]
        arguments = [word for file in files for word in ("--config", str(file))]
        found += complaints(bench.run(program, "validate", *arguments, env=NOWHERE))
    return Ran(f"{1 + len(over)} files", (_version(bench, program),), tuple(found))


def _version(bench: Bench, program: str) -> str:
    found = re.search(r"otlpreceiver (v\S+)", bench.run(program, "components").stdout)
    return f"collector {found[1]}" if found else "collector"


CHECKS = (
    Check(
        "generated", "rules and dashboards are what slo.toml and dashboards.toml make", generated
    ),
    Check("rules", "promtool reads them; each alert has severity, summary and a page", rules),
    Check("tests", "alerts fire when they should and are silent when they should", tests),
    Check("both ways", "an alert that always or never fires makes a test fail", both_ways),
    Check("expressions", "promtool reads every expression of the dashboards", panels),
    Check("names", "every metric in a rule or panel is in the table of metrics", names),
    Check("collector", "files are whole, pipelines in order, listening on loopback", collector),
    Check("collector validate", "the collector itself takes the files", validated),
)
