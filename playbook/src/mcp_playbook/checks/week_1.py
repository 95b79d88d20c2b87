"""Week 1: one server, its descriptions nailed."""

import asyncio
import json
from typing import Any

from jsonschema_rs import ValidationError, validator_for

from mcp_playbook import definitions, stdio
from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.inside import refused_inside
from mcp_playbook.checks.needs import kit_of, one_allowed
from mcp_playbook.deployment import Deployment, Endpoint
from mcp_playbook.lint import lint
from mcp_playbook.lint.sources import SourceError
from mcp_playbook.selection import evaluate
from mcp_playbook.selection.prompts import PromptsError
from mcp_shared.contract import MAX_TOOLS, unbounded

LEAST_TOOLS = 3
CONTRACT = ("D1", "D2", "D3", "D4", "D5", "D6", "D7")
UNKNOWN = "no_such_argument"
README_SAYS = ("reaches", "never", "secret")


@line("W1-01", "black-box", "A server has three to five tools", "A.8.26", "CC8.1")
async def tools_per_server(at: Deployment) -> str:
    counts = {one.shown: len(await at.tools(one)) for one in at.backends()}
    if wrong := {name: n for name, n in counts.items() if not LEAST_TOOLS <= n <= MAX_TOOLS}:
        told = ", ".join(f"{name} has {n}" for name, n in wrong.items())
        raise Failed(
            told,
            do=f"Fewer than {LEAST_TOOLS}: is it worth a server, and may these people see its "
            f"tools? More than {MAX_TOOLS}: split it by who uses it, or fold near twins into one.",
        )
    return ", ".join(f"{name} {n}" for name, n in counts.items())


@line("W1-02", "black-box", "Every tool keeps the whole description contract", "A.8.26", "PI1.1")
async def descriptions(at: Deployment) -> str:
    told, scores = [], []
    for one in at.backends():
        report = lint(list((await _some(at, one)).values()), name=one.shown)
        scores.append(f"{one.shown} {report.score:.0f}/100")
        told += [f"{f.tool} {f.rule}: {f.what}" for f in report.of(CONTRACT)]
    if told:
        raise Failed(
            f"{'; '.join(told[:4])} ({len(told)} findings; {', '.join(scores)})",
            do="make lint-tools says what to write instead; then make tools-lock.",
        )
    return ", ".join(scores)


async def _some(at: Deployment, endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    """Its tools; none is no reason to pass."""
    if not (found := await at.tools(endpoint)):
        raise Failed(f"{endpoint.shown} lists no tool", do="May these people see its tools?")
    return found


@line(
    "W1-03", "black-box", "Every argument is described and bounded, and unknown keys are refused",
    "A.8.26", "A.8.28", "CC6.8",
)  # fmt: skip
async def schemas(at: Deployment) -> str:
    told, arguments = [], 0
    for one in at.backends():
        for name, tool in (await _some(at, one)).items():
            schema = tool.get("inputSchema") or {}
            properties = schema.get("properties") or {}
            arguments += len(properties)
            told += [f"{name} {problem}" for problem in unbounded(schema)]
            told += [
                f"{name}: {key} has no description"
                for key, child in properties.items()
                if not child.get("description")
            ]
    if told:
        raise Failed(
            f"{'; '.join(told[:4])} ({len(told)} in all)",
            do="Bound it in the type: Annotated[str, Field(max_length=…, description=…)].",
        )
    return f"{arguments} arguments, each described and bounded"


@line(
    "W1-04", "black-box", "A wrong argument is answered with a tool error that names it",
    "PI1.2", "A.8.26",
)  # fmt: skip
async def wrong_arguments(at: Deployment) -> str:
    told = []
    for probe in one_allowed(at):
        reply = await at.call(probe, arguments={**probe.arguments, UNKNOWN: 1})
        if not reply.result.get("isError") or UNKNOWN not in reply.words:
            told.append(f"{probe.tool}: {reply.brief()}")
    if told:
        raise Failed(
            "; ".join(told),
            do="Refuse unknown keys, and answer isError with the path of each wrong argument: the "
            "model can mend that, and cannot mend a JSON-RPC error its host swallows.",
        )
    return f"an unknown key is named in the answer of {len(one_allowed(at))} server(s)"


@line("W1-05", "kit", "Nothing but JSON-RPC on stdout", "A.8.26", "PI1.4")
async def stdout(at: Deployment) -> str:
    kit = kit_of(at)
    if not kit.launches:
        raise NotYet(
            "no server can be started from here",
            do="Run this where the servers' code is, or start them with --stdio yourself.",
        )
    told = []
    all_heard = await asyncio.gather(*map(stdio.listen, kit.launches.values()))
    for name, heard in zip(kit.launches, all_heard, strict=True):
        if heard.strangers:
            raise Failed(
                f"{name} wrote to stdout: {heard.strangers[0][:120]!r}",
                do="Log to stderr (mcp_shared.logs); serve through mcp_shared.serve.main, which "
                "keeps stdout for the protocol.",
            )
        if not heard.answered:
            raise Failed(
                f"{name} did not answer tools/list on stdio: {heard.trouble}",
                do=f"Start it by hand: python -m mcp_{name.replace('-', '_')} --stdio",
            )
        told.append(f"{name} {heard.lines} lines")
    return f"only JSON-RPC: {', '.join(told)}"


@line("W1-06", "kit", "What is served is what was reviewed", "CC8.1", "A.8.32", "A.8.9")
async def reviewed(at: Deployment) -> str:
    kit = kit_of(at)
    told = []
    launched = [server.name for server in kit.servers if server.name in kit.launches]
    described = await asyncio.gather(*(definitions.of(kit.launches[name]) for name in launched))
    code = dict(zip(launched, described, strict=True))
    for server in kit.servers:
        file = server.folder / "tools.lock.json"
        if not file.is_file():
            raise Failed(
                f"{server.name} has no tools.lock.json", do="make tools-lock, then review it."
            )
        pinned = {
            tool["name"]: tool["hash"] for tool in json.loads(file.read_text("utf-8"))["tools"]
        }
        served = code.get(server.name, pinned)
        if changed := [n for n in {*served, *pinned} if served.get(n) != pinned.get(n)]:
            raise Failed(
                f"{server.name}: {', '.join(sorted(changed))} differ from the lock",
                do="Review the difference: make tools-lock and make tools-diff. Until then "
                "the gateway keeps the changed tool back.",
            )
        for endpoint in at.endpoints:
            if endpoint.name == server.name and (
                extra := (await at.tools(endpoint)).keys() - pinned
            ):
                raise Failed(
                    f"{server.name} lists {', '.join(sorted(extra))}, which the lock does not have",
                    do="make tools-lock, then review it.",
                )
        told.append(f"{server.name} {len(pinned)}")
    return f"definitions equal to the lock: {', '.join(told)}"


@line("W1-07", "black-box", "A call answers as its output schema says", "PI1.4", "A.8.26")
async def outputs(at: Deployment) -> str:
    one_allowed(at)
    good = 0
    for probe in at.allowed():
        endpoint = at.endpoint_of(probe)
        reply = await at.call(probe)
        if not reply.works:
            raise Failed(
                f"{probe.person} calling {probe.tool}: {reply.brief()}",
                do="Make this call work first; make logs, and make why for rights.",
            )
        schema = (await at.tools(endpoint)).get(at.tool_at(endpoint, probe), {}).get("outputSchema")
        structured = reply.result.get("structuredContent")
        if not schema or structured is None:
            raise Failed(
                f"{probe.tool} has no {'output schema' if not schema else 'structured content'}",
                do="Return a pydantic model: its schema becomes the tool's outputSchema.",
            )
        try:
            validator_for(schema).validate(structured)
        except ValidationError as error:
            raise Failed(
                f"{probe.tool}: {error.message[:160]}",
                do="Mend the model or the answer; clients may refuse what breaks its own schema.",
            ) from error
        good += 1
    return f"{good} calls answered within their schema"


@line(
    "W1-08", "kit", "A server says what it reaches, what it never does, which secrets it needs",
    "A.5.9", "A.5.37", "CC2.3",
)  # fmt: skip
async def readmes(at: Deployment) -> str:
    for server in kit_of(at).servers:
        file = server.folder / "README.md"
        text = file.read_text("utf-8").lower() if file.is_file() else ""
        if missing := [word for word in README_SAYS if word not in text]:
            raise Failed(
                f"{server.name}/README.md says nothing of: {', '.join(missing)}",
                do="Three sentences: what it reaches, what it never does, which secrets it needs.",
            )
    return ", ".join(server.name for server in kit_of(at).servers)


@line("W1-09", "kit", "The right tool is found for what people ask", "PI1.1", "A.8.29")
async def selection(at: Deployment) -> str:
    without = [s.name for s in kit_of(at).servers if not (s.folder / "prompts.toml").is_file()]
    if without:
        raise NotYet(
            f"no prompts for {', '.join(without)}",
            do="Write servers/<name>/prompts.toml before you touch a description again.",
        )
    try:
        report = evaluate([server.folder for server in kit_of(at).servers])
    except (PromptsError, SourceError) as error:
        raise Failed(
            str(error), do="Mend prompts.toml: it names tools that the lock file has, or none."
        ) from error
    if not report.passed:
        raise Failed(
            report.summary, do="make select-tools shows which tools are taken for another."
        )
    return report.summary


@line("W1-10", "kit", "A server takes calls from the gateway alone", "CC6.1", "CC6.6", "A.8.22")
async def alone(at: Deployment) -> str:
    return await refused_inside(at, with_token=False)
