"""Tools that become tasks: those the official suite asks for by name, and one that must not be
tried again. `STARTED` and `STOPPED` say what was worked on in this process.
"""

import asyncio
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Annotated, Any, cast

from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import Field

from mcp_shared.identity import caller
from mcp_shared.serve import new_server
from mcp_shared.tasks.run import Run, running
from mcp_shared.tasks.terms import Terms

NAME = "jobs"
SOON = Terms(patience=0.25, longest=90, ttl=600, poll=0.1)
# (tool, attempt, key, for whom) in the order in which work began, and the tools it was stopped in
STARTED: list[tuple[str, int, str, str]] = []
STOPPED: list[str] = []

Text = Annotated[str, Field(max_length=200, description="A text.")]
Seconds = Annotated[float, Field(ge=0, le=90, description="How long.")]


def says(words: str, *, failed: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=words)], is_error=failed)


def form(message: str, **properties: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in properties.items()},
        "required": list(properties),
    }
    params = {"message": message, "mode": "form", "requestedSchema": schema}
    return {"method": "elicitation/create", "params": params}


def note(tool: str) -> Run | None:
    if (run := running()) is not None:
        STARTED.append((tool, run.attempt, run.key, caller().username))
    return run


async def pause(tool: str, seconds: float) -> None:
    note(tool)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        STOPPED.append(tool)
        raise


async def greet(name: Text) -> CallToolResult:
    """Greet."""
    return says(f"Hello, {name}!")


async def slow_compute(ctx: Context, seconds: Seconds, label: Text = "") -> CallToolResult:
    """Compute slowly."""
    await ctx.report_progress(1, 2)
    await pause("slow_compute", seconds)
    return says(f"computed {label}")


async def slow_change(seconds: Seconds) -> CallToolResult:
    """Change something, slowly."""
    await pause("slow_change", seconds)
    return says("changed")


async def failing_job() -> CallToolResult:
    """Fail as a tool fails."""
    await asyncio.sleep(1)
    return says("The job failed.", failed=True)


async def protocol_error_job() -> CallToolResult:
    """Fail as a protocol fails."""
    await asyncio.sleep(1)
    raise MCPError(-32603, "The job broke the protocol.")


async def confirm_delete(filename: Text) -> CallToolResult:
    """Ask before deleting."""
    run = note("confirm_delete")
    assert run is not None
    answer = (await run.ask({"sure": form(f"Delete {filename}?", confirm="boolean")}))["sure"]
    return says(f"{filename}: {answer['action']}")


async def multi_input() -> CallToolResult:
    """Ask two things at once."""
    run = note("multi_input")
    assert run is not None
    answers = await run.ask(
        {"first": form("First?", name="string"), "second": form("Second?", name="string")}
    )
    return says(", ".join(one["content"]["name"] for one in answers.values()))


async def asks_first(ctx: Context) -> CallToolResult | InputRequiredResult:
    """Ask before there is a task, by rounds."""
    given = ctx.input_responses or {}
    if "user_name" not in given:
        asked: Any = {"user_name": form("Who?", name="string")}
        return InputRequiredResult(input_requests=asked, request_state="asked")
    await asyncio.sleep(1)
    answer: Any = given["user_name"]
    return says(f"for {answer.content['name']}")


async def large(seconds: Seconds) -> CallToolResult:
    """Find more than is kept."""
    await asyncio.sleep(seconds)
    return says("x" * 2_100_000)


def _module(
    function: Callable[..., Any], terms: Terms | None, name: str = "", *, repeatable: bool = True
) -> ModuleType:
    made: Any = ModuleType(f"taskbox.{name or function.__name__}")
    made.__file__ = __file__
    function.__name__ = name or function.__name__
    setattr(made, function.__name__, function)
    made.TITLE = function.__name__.replace("_", " ").capitalize()
    made.HINTS = ToolAnnotations(
        read_only_hint=repeatable, destructive_hint=False, idempotent_hint=repeatable,
        open_world_hint=False,
    )  # fmt: skip
    if terms is not None:
        made.TASKS = terms
    return cast("ModuleType", made)


REQUIRED = Terms(required=True, patience=0.25, longest=60, ttl=600, poll=0.1)
TOOLS: Sequence[ModuleType] = (
    _module(greet, None),
    _module(slow_compute, SOON),
    _module(slow_change, SOON, repeatable=False),
    _module(failing_job, REQUIRED),
    _module(protocol_error_job, SOON),
    _module(confirm_delete, SOON),
    _module(multi_input, SOON),
    _module(asks_first, REQUIRED, "test_tool_with_task"),
    _module(large, SOON),
)
NAMES = frozenset(one.__name__.rpartition(".")[2] for one in TOOLS)


def jobs(name: str = NAME) -> MCPServer[Any]:
    return new_server(name, title="Jobs", version="1", instructions="Long work.", tools=TOOLS)
