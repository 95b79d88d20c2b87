"""`make call`: a tool called as a person through the gateway, and the answer a model reads."""

import argparse
import asyncio
import json
import sys
from typing import Any

import httpx2

from mcp_local.cli import FORESEEN
from mcp_playbook import source
from mcp_playbook.deployment import Deployment
from mcp_playbook.tokens import NoTokenError
from mcp_playbook.wire import ListRefusedError, Reply

ANSWERED, NOT_ANSWERED, UNUSABLE = 0, 1, 2  # exit codes


async def call(at: Deployment, person: str, tool: str, arguments: dict[str, Any]) -> Reply:
    """On the aggregate endpoint, where tools are named `<server>_<tool>`."""
    params = {"name": tool, "arguments": arguments}
    return await at.ask(at.endpoints[0], "tools/call", params, person=person)


def shown(reply: Reply) -> str:
    """The structured answer where there is one, else the words."""
    structured = reply.result.get("structuredContent")
    if structured is not None and reply.works:
        return json.dumps(structured, indent=2, ensure_ascii=False)
    return reply.words


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.call", description=__doc__)
    parser.add_argument("--person", required=True, help="username")
    parser.add_argument("--tool", required=True, help="as on /mcp: <server>_<tool>")
    parser.add_argument("--args", default="{}", help="the arguments, as a JSON object")
    given = parser.parse_args()
    try:
        arguments = json.loads(given.args)
    except ValueError as error:
        arguments = error
    if not isinstance(arguments, dict):
        print(f'ARGS must be a JSON object, such as {{"limit": 5}}: {arguments}', file=sys.stderr)
        return UNUSABLE
    try:
        at = source.from_environment()
        reply = asyncio.run(call(at, given.person, given.tool, arguments))
    except (*FORESEEN, source.SourceError, NoTokenError, ListRefusedError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    except httpx2.HTTPError as error:
        print(f"The gateway does not answer ({error}): make ps", file=sys.stderr)
        return UNUSABLE
    print(shown(reply))
    if reply.works:
        return ANSWERED
    if reply.error:  # a missing right reads like a missing tool
        print(f"→ make why PERSON={given.person} TOOL={given.tool}", file=sys.stderr)
    return NOT_ANSWERED


if __name__ == "__main__":
    sys.exit(main())
