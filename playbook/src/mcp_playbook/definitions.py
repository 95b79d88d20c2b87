"""What a server's code serves now, asked of the code itself."""

import asyncio
import json

from mcp_playbook.checks.check import Failed
from mcp_playbook.deployment import Launch

SECONDS = 60.0


async def of(launch: Launch) -> dict[str, str]:
    """Name → hash of every tool. Raises Failed when it does not describe itself."""
    process = await asyncio.create_subprocess_exec(
        *launch.command, "--definitions", env=dict(launch.env), cwd=launch.folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Failed(f"no definitions within {SECONDS:.0f} s", do="Run it by hand.") from None
    if process.returncode != 0:
        words = err.decode("utf-8", "replace").strip().splitlines()
        raise Failed(
            f"no definitions: {words[-1] if words else ''}", do="make tools-lock shows why."
        )
    return {tool["name"]: tool["hash"] for tool in json.loads(out)["tools"]}
