"""The governed calls and the question across servers: shown by `make up` and `make demo`."""

import asyncio
import importlib.util
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from rich.table import Table

from mcp_local import control, environment, ledger_view, screen, trust
from mcp_local.fill import Filler
from mcp_local.governed import Call, Outcome, calls_of, make
from mcp_local.load import Stack

COLOURS = {"allowed": "green", "refused": "yellow", "limited": "yellow", "failed": "red"}
QUESTION = "sandbox_demo"  # a room of its own: the fictional company's question, answered by calls


def show_calls(filler: Filler) -> bool:
    """Make the governed calls and print them. False when one did not go as its demo.toml says."""
    here = filler.place
    calls = [call for server in filler.plan.servers() for call in calls_of(server)]
    if not calls:
        screen.console.print("No listed server has a demo.toml, so there are no calls to show.")
        return True
    since = datetime.now(UTC) - timedelta(seconds=1)
    token_endpoint = f"{here.issuer}/protocol/openid-connect/token"
    outcomes, records = asyncio.run(_made(filler, calls, token_endpoint, since))
    verified, words = ledger_view.verified(filler)
    screen.console.print(_table(outcomes, records, verified))
    if words:
        screen.console.print(f"The ledger's verifier: {words}", markup=False)
    wrong = [outcome for outcome in outcomes if not outcome.as_expected]
    for outcome in wrong:
        screen.console.print(
            f"{outcome.call.person} calling {outcome.call.server}_{outcome.call.tool}: expected "
            f"{outcome.call.expect}, got {outcome.decision}. {outcome.note}\n  → {_look(outcome)}",
            markup=False, style="red",
        )  # fmt: skip
    unrecorded = [outcome for outcome, record in zip(outcomes, records, strict=True) if not record]
    if unrecorded and not wrong:
        screen.console.print("Some calls have no record in the ledger.", style="red")
    return not wrong and not unrecorded and verified != "no"


def _look(outcome: Outcome) -> str:
    """Where the reason is told."""
    call = outcome.call
    if outcome.decision == "refused":
        return f"make why PERSON={call.person} TOOL={call.server}_{call.tool}"
    return f"make logs NAME={call.server}"


async def _made(
    filler: Filler, calls: list[Call], token_endpoint: str, since: datetime
) -> tuple[list[Outcome], list[str | None]]:
    here = filler.place
    outcomes = await make(
        calls, f"{here.gateway}/mcp", token_endpoint, here.secrets / "demo-password"
    )
    records = [await ledger_view.record_of(filler, outcome, since) for outcome in outcomes]
    return outcomes, records


def _table(outcomes: list[Outcome], records: list[str | None], verified: str) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("person", "tool", "decision", "ms", "ledger record", "verified"):
        shown.add_column(column, justify="right" if column == "ms" else "left", no_wrap=True)
    for outcome, record in zip(outcomes, records, strict=True):
        tries = f" at call {outcome.tries}" if outcome.call.expect == "limited" else ""
        shown.add_row(
            outcome.call.person,
            f"{outcome.call.server}_{outcome.call.tool}",
            f"[{COLOURS[outcome.decision]}]{outcome.decision}[/]{tries}",
            f"{outcome.milliseconds:.1f}",
            record or "none",
            verified if record else "no",
        )
    return shown


def show_question(filler: Filler) -> bool:
    """The question across servers, when the room that asks it is installed."""
    if importlib.util.find_spec(QUESTION) is None:
        return True
    done = subprocess.run(
        [sys.executable, "-m", QUESTION],
        env={**environment.inherited(), "STACK_FILE": str(filler.place.stack)},
        cwd=filler.place.root, check=False,
    )  # fmt: skip
    return done.returncode == 0


def demo(stack: Stack) -> int:
    if control.supervisor_pid(stack.here) is None or not stack.here.stack.is_file():
        raise control.StackError("The stack does not run; `make up` starts it.")
    trust.adopt(stack.here)
    filler = stack.filler()
    good = show_calls(filler)
    screen.console.print()
    return 0 if show_question(filler) and good else 1
