"""Whether everything still stands after the files have moved. Run by the new version's own code."""

from collections.abc import Callable

import asyncpg

from mcp_gateway.audit.keys import KeyFileError
from mcp_gateway.audit.waiting import LedgerDown
from mcp_local import ledger_view
from mcp_local.load import Stack
from mcp_playbook.upgrade import standing, words
from mcp_playbook.upgrade.standing import Standing
from mcp_playbook.upgrade.state import Upgrade

MOST_LINES = 50  # of changed rights on the record


def after(stack: Stack, upgrade: Upgrade, start: Callable[[], str | None]) -> list[str]:
    """Start the stack and hold it against what stood before; what is wrong, if anything."""
    if not upgrade.running:
        words.say("No stack ran before, so none is started: `make up`.")
        return []
    words.say("Starting the stack; migrations run now.")
    if (trouble := start()) is not None:
        return [f"The stack does not start: {trouble}"]
    before = Standing(**upgrade.standing)
    try:
        return _compared(stack, upgrade, before)
    except (OSError, KeyFileError, LedgerDown, asyncpg.PostgresError) as error:
        return [f"It cannot be compared: {type(error).__name__}: {error}"]


def _compared(stack: Stack, upgrade: Upgrade, before: Standing) -> list[str]:
    problems = standing.missing(stack, before)
    if not problems:
        words.say(
            f"All {before.records:,} records from before are there, and the last "
            f"{len(before.receipts)} receipts still prove theirs."
        )
    now = standing.taken(stack)
    problems += calls(upgrade, before, now)
    standing.put_on_record(stack, _detail(upgrade))
    problems += policy(upgrade, now)
    verified, told = ledger_view.verified(stack.filler())
    if verified == "yes":
        words.say(f"The ledger verifies across the upgrade: {told}")
    else:
        problems.append(f"The ledger does not verify: {told}")
    return problems


def calls(upgrade: Upgrade, before: Standing, now: Standing) -> list[str]:
    problems: list[str] = []
    expected: list[str] = []
    for call in standing.otherwise(before.calls, now.calls):
        (expected if _follows(call.tool, upgrade.rights) else problems).append(str(call))
    words.part("Calls that end otherwise, as rights or limits changed", expected)
    if now.calls and not problems:
        words.say(f"{len(now.calls)} calls of the demo.toml files ended as before.")
    return problems


def _follows(tool: str, rights: list[str]) -> bool:
    """Whether a changed line of the policy is about this tool, or about a client."""
    server, _, name = tool.partition("_")
    about = (f"{server} tool {name}:", "agent ", "service ", f"rate of server {server}:")
    return any(line.startswith(about) for line in rights)


def policy(upgrade: Upgrade, now: Standing) -> list[str]:
    if not now.calls or not upgrade.policy_after:
        return []
    if now.policy != upgrade.policy_after:
        return [f"Calls are decided by policy {now.policy}, not by {upgrade.policy_after}."]
    was = "as before" if upgrade.policy_before == now.policy else f"was {upgrade.policy_before}"
    words.say(f"On record: the version, and policy {now.policy} ({was}) with every call.")
    return []


def _detail(upgrade: Upgrade) -> dict[str, object]:
    return {
        "version": upgrade.name,
        "commit": upgrade.after,
        "commit_before": upgrade.before,
        "policy_before": upgrade.policy_before,
        "policy_after": upgrade.policy_after,
        "changed": upgrade.rights[:MOST_LINES],
        "more": max(0, len(upgrade.rights) - MOST_LINES),
    }
