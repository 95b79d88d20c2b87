"""Week 4 and after: more tools, more servers, other people's servers, and nothing given up."""

import asyncio
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import advisories
from mcp_local.lockcheck import unhashed
from mcp_playbook import drill, vet
from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.needs import kit_of
from mcp_playbook.checks.rehearsal import recent
from mcp_playbook.deployment import Deployment, Kit
from mcp_playbook.lint import lint
from mcp_playbook.lint.cost import BUDGET_TOKENS
from mcp_playbook.lint.similarity import TWIN_SIMILARITY, twins
from mcp_playbook.new_server import room
from mcp_playbook.new_server.kinds import KINDS, Kind
from mcp_playbook.new_server.names import names
from mcp_playbook.upgrade import ownership
from mcp_playbook.upgrade.kit_changes import kit_changes

OWNERS = Path("playbook/owners.toml")
TEMPLATES = Path("playbook/template")
NAME, THING = "example", "record"
COMMAND_SECONDS = 120
INFRA, INFRA_DAYS = "check-infra.json", 30  # what make check-infra leaves


@line("W4-01", "black-box", "What the tool list costs a model stays within the budget", "A.8.6")
async def budget(at: Deployment) -> str:
    told = []
    for endpoint in at.endpoints:
        tools = list((await at.tools(endpoint)).values())
        tokens = lint(tools, name=endpoint.shown).tokens
        if tokens > BUDGET_TOKENS:
            raise Failed(
                f"{endpoint.shown}: about {tokens:,} tokens for {len(tools)} tools",
                do="Shorten, or send agents to the endpoint of the one server they need.",
            )
        told.append(f"{endpoint.shown} {tokens:,}")
    return f"about, in tokens: {', '.join(told)}; budget {BUDGET_TOKENS:,}"


@line(
    "W4-02", "black-box", "No tool reads like another one's twin, across servers", "PI1.1", "A.8.26"
)
async def unlike(at: Deployment) -> str:
    everybody = {e.shown: list((await at.tools(e)).values()) for e in at.backends()}
    pairs = twins(everybody, threshold=0.0)
    if pairs and pairs[0].similarity > TWIN_SIMILARITY:
        (one, other), similarity = pairs[0].tools, pairs[0].similarity
        raise Failed(
            f"{'_'.join(one)} and {'_'.join(other)} are alike: {similarity:.2f}",
            do="Say in both first sentences what tells them apart, or make them one tool.",
        )
    nearest = f"nearest {pairs[0].similarity:.2f}" if pairs else "no pair"
    return f"{sum(map(len, everybody.values()))} tools, {nearest}, at most {TWIN_SIMILARITY}"


@line("W4-03", "kit", "A server made from the template keeps the contract", "CC8.1", "A.8.28")
async def template(at: Deployment) -> str:
    told = []
    root = kit_of(at).root
    for kind in (one for one in KINDS.values() if (root / TEMPLATES / one.name).is_dir()):
        try:
            tools = await asyncio.to_thread(_made, root, kind)
        except (room.BrokenError, ConfigError) as error:
            raise Failed(
                f"{kind.name}: {str(error)[:300]}",
                do="Mend playbook/template/; make lint-tools says what to write.",
            ) from error
        told.append(f"{kind.name}: {len(tools)} tools, {lint(tools, name=NAME).score:.0f}/100")
    return "; ".join(told)


def _made(root: Path, kind: Kind) -> Sequence[Mapping[str, Any]]:
    """A template filled, pinned and checked, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="template-") as folder:
        filled = room.fill(root, Path(folder), names(NAME, THING), kind)
        tools = room.pin(filled)
        room.check(filled, tools)
    return tools


@line(
    "W4-04", "kit", "Every server that is not ours was vetted", "CC9.2", "A.5.19", "A.5.21"
)  # fmt: skip
async def vetted(at: Deployment) -> str:
    kit = kit_of(at)
    try:
        found = vet.unvetted(kit.servers, kit.root)
    except vet.ReportError as error:
        raise Failed(str(error), do="Mend the file, or make the report anew.") from error
    if found:
        raise Failed(
            "; ".join(found),
            do="make vet URL_OR_PACKAGE=…, then keep the report in playbook/vetted/.",
        )
    foreign = vet.foreign(kit.servers, kit.root)
    if not foreign:
        return f"all {len(kit.servers)} listed servers are of this repository"
    return f"vetted: {', '.join(foreign)}"


@line(
    "W4-06", "kit", "Every runbook's drill was run within 90 days", "A1.3", "CC7.4", "CC7.5",
    "A.5.26", "A.5.30", "A.8.13",
)  # fmt: skip
async def drills(at: Deployment) -> str:
    kit = kit_of(at)
    for one in drill.DRILLS:
        if not (kit.root / "playbook" / "runbooks" / one.page).is_file():
            raise Failed(f"{one.name} has no page", do=f"Write playbook/runbooks/{one.page}.")
    ready = [one for one in drill.DRILLS if one.state == "ready"]
    told = recent(ready, kit.evidence)
    if later := [one.name for one in drill.DRILLS if one.state != "ready"]:
        told += f"; not built yet: {', '.join(later)}"
    return told


@line(
    "W4-07", "kit", "Containers and infrastructure code are validated", "CC8.1", "A.8.9", "A.8.31"
)
async def infrastructure(at: Deployment) -> str:
    kit = kit_of(at)
    file = kit.evidence / INFRA
    if not file.is_file():
        raise NotYet("the validators were never run here", do="make check-infra")
    told = json.loads(file.read_text("utf-8"))
    days = (datetime.now(UTC) - datetime.fromisoformat(told["date"])).days
    if days > INFRA_DAYS:
        raise NotYet(f"the validators were run {days} days ago", do="make check-infra")
    of = {
        word: [n for n, w in told["checks"].items() if w == word] for word in ("found", "not run")
    }
    if of["found"]:
        raise Failed(f"findings: {', '.join(of['found'][:5])}", do="make check-infra names them.")
    clean = len(told["checks"]) - len(of["not run"])
    if not clean:
        raise NotYet("no validator could be had here", do="make check-infra says which and why.")
    skipped = f"; not run: {', '.join(of['not run'])}" if of["not run"] else ""
    return f"{clean} validators clean on {told['date'][:10]}{skipped}; nothing was applied"


@line(
    "W4-08", "kit", "Every server has an owner and a way to reach them", "A.5.2", "A.5.9", "CC7.4"
)
async def owners(at: Deployment) -> str:
    kit = kit_of(at)
    named = _owners(kit)
    for server in kit.servers:
        entry = named.get(server.name, {})
        if not entry.get("team") or not entry.get("reach"):
            raise Failed(
                f"{OWNERS} says nobody for {server.name}",
                do=f'[servers.{server.name}] with team = "…" and reach = "…".',
            )
    return ", ".join(f"{server.name}: {named[server.name]['team']}" for server in kit.servers)


def _owners(kit: Kit) -> Mapping[str, Mapping[str, str]]:
    try:
        document = tomllib.loads((kit.root / OWNERS).read_text("utf-8"))
    except FileNotFoundError:
        raise NotYet(f"there is no {OWNERS}", do="Name a team and how to reach it.") from None
    except tomllib.TOMLDecodeError as error:
        raise Failed(f"{OWNERS}: {error}", do="Mend it.") from error
    found: Mapping[str, Mapping[str, str]] = document.get("servers", {})
    return found


@line(
    "W4-09", "kit", "Every dependency is pinned by hash, and none has a known vulnerability",
    "CC7.1", "A.8.8", "A.5.21",
)  # fmt: skip
async def dependencies(at: Deployment) -> str:
    root = kit_of(at).root
    lock = (root / advisories.LOCK).read_text("utf-8")
    if bare := sorted(unhashed(lock)):
        raise Failed(f"without a hash: {', '.join(bare[:5])}", do="make lock")
    found = await asyncio.to_thread(advisories.audit, root)
    told = "; ".join(found.lines[:3])
    if found.state == "found":
        raise Failed(told, do="Raise the floor in the room's pyproject.toml; make lock.")
    if found.state == "not checked":
        raise NotYet(
            f"every package has its hash and is above the floors kept here; asked further: {told}",
            do=".venv/bin/python -m mcp_local.advisories --fetch, where pip-audit reaches a "
            f"database; or let your scanner read {advisories.LOCK}.",
        )
    return "every package has its hash; no known vulnerability"


@line(
    "W4-10",
    "kit",
    "The production profile refuses development settings",
    "CC6.1",
    "A.8.9",
    "A.8.31",
)
async def production(at: Deployment) -> str:
    kit = kit_of(at)
    if kit.gateway_env is None:
        raise NotYet("the gateway's settings are not here", do="Run this where the gateway runs.")
    local = kit.issuer is not None
    done = await asyncio.to_thread(_checked, kit)
    said = [row for row in (done.stdout + done.stderr).splitlines() if row.strip()]
    if local:
        if done.returncode == 0:
            raise Failed(
                "the local stack's settings pass for production",
                do="They have development keys and an issuer that is for one machine: report it.",
            )
        return f"the local stack's settings are refused for {len(said)} reason(s): {said[0][:120]}"
    if done.returncode != 0:
        raise Failed("; ".join(said)[:300], do="Each line says what to set.")
    return "these settings pass the production profile"


def _checked(kit: Kit) -> "subprocess.CompletedProcess[str]":
    env = {**(kit.gateway_env or {}), "GATEWAY_PROFILE": "production"}
    command: Sequence[str] = (sys.executable, "-m", "mcp_gateway", "--check")
    return subprocess.run(
        command, env=env, cwd=kit.root, check=False, capture_output=True, text=True,
        timeout=COMMAND_SECONDS,
    )  # fmt: skip


@line(
    "W4-11", "kit", "What of the kit was changed here is known, so the next version can be taken",
    "CC8.1", "A.8.32",
)  # fmt: skip
async def upgradable(at: Deployment) -> str:
    changes = await asyncio.to_thread(kit_changes, kit_of(at).root)
    if changes.version is None and changes.unknown.startswith(ownership.FILE):
        raise Failed(changes.unknown, do="Mend it; every path needs an owner.")
    if changes.version is None:
        raise NotYet(changes.unknown, do="playbook/upgrade.md")
    if nobodys := [change.path for change in changes.changes if change.owner is None]:
        raise Failed(
            f"nobody's: {', '.join(nobodys[:5])}", do=f"Say in {ownership.FILE} whose they are."
        )
    own = [change.path for change in changes.kit]
    told = f"from {changes.version}: {len(own)} of the kit's files differ"
    return f"{told}: {', '.join(own[:5])}{' …' if len(own) > 5 else ''}" if own else told
