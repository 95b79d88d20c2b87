"""Which of our largest accounts lost revenue this quarter, who owns them, and what does our
discount policy allow?

Answered as an agent would: seven or so tool calls through the gateway, as one person, over three
servers. Reads the running stack's addresses from STACK_FILE (`.run/stack.json`).
"""

import asyncio
import json
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sandbox_demo.retention import step_for, steps

QUESTION = (
    "Which of our largest accounts lost revenue this quarter, who owns them, and what does our "
    "discount policy allow?"
)
PERSON = "ana"
CLIENT_ID = "mcp-dev-cli"
ACCOUNTS = 5
NEEDED = {"warehouse", "crm", "docs"}


class DemoError(RuntimeError):
    """A call did not answer as the demonstration needs; the text says which."""


async def ask(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    if result.is_error or not isinstance(result.structured_content, dict):
        text = " ".join(getattr(part, "text", "") for part in result.content)
        raise DemoError(f"{tool}: {text}")
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    print(f"  {PERSON} → {tool}({shown})")
    return result.structured_content


async def answer(client: Client) -> None:
    losing = await ask(
        client,
        "warehouse_get_metric",
        metric="accounts_losing_revenue",
        period="last_90_days",
        limit=ACCOUNTS,
    )
    owners = {}
    for row in losing["rows"]:
        account = await ask(client, "crm_get_account", account=str(row["id"]))
        owners[row["id"]] = account["owner"]
    found = await ask(
        client, "docs_search_docs", query="discount policy for a large account that lost revenue"
    )
    page = await ask(client, "docs_read_doc", doc_id=found["results"][0]["doc_id"])

    known = steps(page["text"])
    days, before = losing["period"], losing["compared_with"]
    # a quarter that has just begun says nothing; its last 90 days do
    print(
        f"\nRevenue {days['first']} to {days['last']} against {before['first']} to "
        f"{before['last']}:\n"
    )
    print(
        f"  {'account':<20} {'12 months':>10} {'before':>9} {'now':>9} {'change':>7}  "
        f"{'owner':<16} the policy allows"
    )
    for row in losing["rows"]:
        owner = owners[row["id"]]
        step = step_for(-row["change_percent"], known)
        allowed = f"{step.discount} ({step.approved_by})" if step else "see the policy"
        print(
            f"  {row['label']:<20} {row['last_12_months']:>10,.0f} {row['previous']:>9,.0f} "
            f"{row['value']:>9,.0f} {row['change_percent']:>6.0f}%  "
            f"{(owner or {}).get('name', 'nobody'):<16} {allowed}"
        )
    print(
        f"\nSource: {page['title']}, {page['url']}, owner {page['owner']}, "
        f"changed {page['updated']}.\n"
        "The policy counts the decline over full quarters; the last 90 days are an early sign."
    )


async def run(stack: dict[str, Any], password: str) -> int:
    trusting = ssl.create_default_context()  # which knows SSL_CERT_FILE
    async with httpx2.AsyncClient(timeout=30, trust_env=False, verify=trusting) as http:
        signed_in = await http.post(
            f"{stack['issuer']}/protocol/openid-connect/token",
            data={
                "grant_type": "password", "client_id": CLIENT_ID, "username": PERSON,
                "password": password, "scope": "openid aud:mcp",
            },
        )  # fmt: skip
        signed_in.raise_for_status()
        http.headers["Authorization"] = f"Bearer {signed_in.json()['access_token']}"
        transport = streamable_http_client(f"{stack['gateway']}/mcp", http_client=http)
        failed: DemoError | None = None
        async with Client(transport, mode="2026-07-28") as client:
            try:
                await answer(client)
            except DemoError as error:
                failed = error
    if failed is not None:
        print(f"\nNot answered: {failed}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    stack = json.loads(Path(os.environ["STACK_FILE"]).read_text("utf-8"))
    print(f"{QUESTION}\n")
    listed = {server["name"] for server in stack["servers"]}
    if not listed >= NEEDED:
        print(f"This question needs the servers {', '.join(sorted(NEEDED))}; not all are listed.")
        return 0
    password = Path(stack["secrets"]["demo-password"]).read_text("utf-8").strip()
    return asyncio.run(run(stack, password))


if __name__ == "__main__":
    sys.exit(main())
