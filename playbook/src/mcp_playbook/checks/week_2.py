"""Week 2: what happened to a call can be seen, by everybody who is asked about it."""

import asyncio
import secrets
from pathlib import Path

import yaml

from mcp_playbook import backends, baseline, console, logfiles
from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.needs import expecting, kit_of, one_allowed
from mcp_playbook.deployment import Deployment, Kit

ARRIVE_SECONDS = 20.0  # exporters send in batches
DURATION = "mcp_server_operation_duration_seconds_count"
NO_BACKEND = "make up starts one; of your own: traces and metrics in deployment.toml."
TOKEN_MARKS = ("eyJ", "Bearer ")


@line("W2-01", "kit", "Logs are JSON lines on stderr, joined by the call's id", "A.8.15", "CC7.2")
async def logs(at: Deployment) -> str:
    folder = _logs(kit_of(at))
    before = logfiles.sizes(folder)
    probes = one_allowed(at)
    for probe in probes:
        await at.call(probe)
    await asyncio.sleep(1.0)
    lines = logfiles.since(folder, before, [*(p.server for p in probes), *_gateways(folder)])
    if not lines:
        raise Failed(f"no line was written to {folder.name}/", do="Keep stderr of every process.")
    if odd := [row for row in lines if row.entry is None]:
        raise Failed(
            f"{odd[0].service} writes a line that is no JSON: {odd[0].text[:100]!r}",
            do="Log through mcp_shared.logs; uvicorn's own logs go through it too.",
        )
    joined = [row for row in lines if row.entry and row.entry.get("call_id")]
    if not joined:
        raise Failed("no line carries a call_id", do="Serve through mcp_shared.serve.")
    return f"{len(lines)} new lines, all JSON; {len(joined)} carry a call id"


@line(
    "W2-02", "kit",
    "One trace leads from the gateway to the system of record, with the person on it",
    "A.8.15", "A.8.16", "CC7.2", "CC7.3",
)  # fmt: skip
async def trace(at: Deployment) -> str:
    url = _traces(kit_of(at))
    told = []
    for probe in one_allowed(at):
        trace_id = secrets.token_hex(16)
        meta = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
        await at.call(probe, meta=meta)
        spans = await backends.trace(url, trace_id, _complete(probe.server), ARRIVE_SECONDS)
        services = {span.service for span in spans}
        if "gateway" not in services or probe.server not in services:
            raise Failed(
                f"{probe.tool}: the trace has {', '.join(sorted(services)) or 'no spans'}",
                do="Set OTEL_EXPORTER_OTLP_ENDPOINT for gateway and servers; "
                "is the sampler parent-based?",
            )
        if not _complete(probe.server)(spans):
            raise Failed(
                f"{probe.tool}: nothing below {probe.server}'s own span",
                do="Instrument what the server asks: mcp_shared.telemetry does asyncpg and httpx.",
            )
        people = {span.attributes.get("enduser.id") for span in spans} - {None}
        if people != {probe.person}:
            raise Failed(
                f"{probe.tool}: the trace names {people or 'nobody'}, not {probe.person}",
                do="The gateway sets enduser.id; a collector may be dropping it.",
            )
        told.append(f"{probe.person} → gateway → {probe.server} → {_deepest(spans, probe.server)}")
    return "; ".join(told)


def _complete(server: str) -> backends.Enough:
    """The gateway's root, the server's tool span, and something the server asked for it."""

    def enough(spans: list[backends.Span]) -> bool:
        own = [s for s in spans if s.service == server]
        tools = {s.id for s in own if s.attributes.get("mcp.method.name") == "tools/call"}
        return bool(tools) and len(own) > len(tools) and any(s.service == "gateway" for s in spans)

    return enough


def _deepest(spans: list[backends.Span], server: str) -> str:
    own = [s for s in spans if s.service == server]
    parents = {s.parent for s in own}
    leaves = [s for s in own if s.id not in parents]
    return leaves[-1].name if leaves else "?"


@line(
    "W2-03", "kit", "Durations arrive per tool, from gateway and server",
    "A.8.16", "A.8.6", "CC7.2",
)  # fmt: skip
async def durations(at: Deployment) -> str:
    url = _metrics(kit_of(at))
    wanted = set()
    for probe in one_allowed(at):
        await at.call(probe)
        wanted |= {("gateway", f"{probe.server}_{probe.tool}"), (probe.server, probe.tool)}
    missing = await backends.series(url, DURATION, wanted, ARRIVE_SECONDS)
    if missing:
        told = ", ".join(f"{service}: {tool}" for service, tool in sorted(missing))
        raise Failed(
            f"no {DURATION} for {told}",
            do="Set OTEL_EXPORTER_OTLP_ENDPOINT for both; "
            "OTEL_METRIC_EXPORT_INTERVAL says how often they are sent.",
        )
    return f"{len(wanted)} series of {DURATION}"


def _gateways(folder: Path) -> list[str]:
    """One log for each replica: gateway, gateway-2."""
    return [file.stem for file in folder.glob("gateway*.log")]


@line(
    "W2-04", "kit", "No token and no argument value in logs or traces",
    "A.8.11", "A.8.12", "A.5.34", "CC6.7",
)  # fmt: skip
async def canary(at: Deployment) -> str:
    kit = kit_of(at)
    folder, url = _logs(kit), _traces(kit)
    word = f"canary{secrets.token_hex(8)}"
    before = logfiles.sizes(folder)
    tried, ids = 0, []
    for probe in one_allowed(at):
        texts = {k: word for k, v in probe.arguments.items() if isinstance(v, str)}
        trace_id = secrets.token_hex(16)
        ids.append((probe.server, trace_id))
        parent = f"00-{trace_id}-{secrets.token_hex(8)}-01"
        await at.call(probe, arguments={**probe.arguments, **texts}, meta={"traceparent": parent})
        tried += bool(texts)
    if not tried:
        raise NotYet("no probe has a text argument", do="Add one to a demo.toml.")
    found = []
    for server, trace_id in ids:
        spans = await backends.trace(url, trace_id, lambda s: len(s) > 1, ARRIVE_SECONDS / 2)
        told = " ".join(f"{span.name} {span.attributes}" for span in spans)
        found += [f"a span of {server}: {mark}" for mark in (word, *TOKEN_MARKS) if mark in told]
    for row in logfiles.since(folder, before):
        found += [f"{row.service}'s log: {m}" for m in (word, *TOKEN_MARKS) if m in row.text]
    if found:
        raise Failed(
            found[0], do="Log names and paths, never values; bind statement values as parameters."
        )
    return f"a marked value sent to {tried} server(s) is in no log line and no span"


@line(
    "W2-05", "kit", "The console ranks which tools fail most, and is not empty",
    "A.8.16", "CC7.2", "CC4.1",
)  # fmt: skip
async def ranking(at: Deployment) -> str:
    kit = kit_of(at)
    if kit.operator is None:
        raise NotYet(
            "nobody to sign in to the console as",
            do="Set [operator] in deployment.toml: a username, and password_env.",
        )
    probe = one_allowed(at)[0]
    name = f"{probe.server}_{probe.tool}"
    await at.call(probe, arguments={**probe.arguments, "no_such_argument": 1})  # a tool error
    rows = await console.overview(at.origin, kit.operator)
    if not rows:
        raise Failed("the overview has no tool", do="Make calls; is the ledger's reader set?")
    shown = {row.tool: row for row in rows}
    if name not in shown or shown[name].errors < 1:
        raise Failed(
            f"an error of {name} just made is not on the page",
            do="make audit; the page reads the ledger as audit_reader.",
        )
    errors = [row.errors for row in rows]
    if errors != sorted(errors, reverse=True):
        raise Failed("the tools are not ordered by errors", do="Report it: this is ours to mend.")
    calls = sum(row.calls for row in rows)
    return f"{len(rows)} tools, {calls} calls, most errors: {rows[0].tool} ({rows[0].errors})"


@line("W2-06", "kit", "Completion of every tool is measured, and at 95 % or more", "A.8.6", "PI1.1")
async def completion(at: Deployment) -> str:
    kit = kit_of(at)
    kept = baseline.newest(kit.evidence)
    if kept is None:
        raise NotYet("nothing was measured yet", do="make baseline")
    if kept.days_old > baseline.DAYS:
        raise NotYet(f"the newest baseline is {kept.days_old} days old", do="make baseline")
    listed = {probe.server for probe in expecting(at, "allowed")}
    if missing := listed - {tool.server for tool in kept.tools}:
        raise NotYet(f"not measured: {', '.join(sorted(missing))}", do="make baseline")
    if poor := [tool for tool in kept.tools if tool.completion < baseline.FLOOR]:
        told = ", ".join(f"{tool.name} {tool.completion:.0%} of {tool.calls}" for tool in poor)
        raise Failed(told, do="Read the failures in the console, worst tool first.")
    return kept.summary()


@line("W2-07", "kit", "Every alert rule links its runbook", "A.5.24", "A.5.26", "CC7.3", "CC7.4")
async def alerts(at: Deployment) -> str:
    root = kit_of(at).root
    rules = [
        rule
        for file in sorted(root.glob("infra/observability/**/*.rules.y*ml"))
        for group in (yaml.safe_load(file.read_text("utf-8")) or {}).get("groups", [])
        for rule in group.get("rules", [])
        if "alert" in rule
    ]
    if not rules:
        raise NotYet(
            "there are no alert rules under infra/observability/",
            do="Until then: the console's overview, and make drill for what each page tells you.",
        )
    for rule in rules:
        url = str(rule.get("annotations", {}).get("runbook_url", ""))
        page = url[url.find("playbook/") :] if "playbook/" in url else ""
        if not page or not (root / Path(page)).is_file():
            raise Failed(
                f"{rule['alert']} links {url or 'nothing'}", do="Set annotations.runbook_url."
            )
    return f"{len(rules)} alerts, each with a page"


def _logs(kit: Kit) -> Path:
    if kit.logs is None or not kit.logs.is_dir():
        raise NotYet("the log files are not known", do="Set logs in deployment.toml.")
    return kit.logs


def _traces(kit: Kit) -> str:
    if kit.traces is None:
        raise NotYet("no trace backend is known", do=NO_BACKEND)
    return kit.traces


def _metrics(kit: Kit) -> str:
    if kit.metrics is None:
        raise NotYet("no metrics backend is known", do=NO_BACKEND)
    return kit.metrics
