"""PostgreSQL's own backup tools, beside whatever else a drill does at that moment."""

import asyncio
from pathlib import Path

from mcp_local import backup_tools


async def tool(name: str, url: str, *words: str) -> str:
    return await asyncio.to_thread(backup_tools.tool, name, url, *words)


async def dump(url: str, file: Path) -> int:
    return await asyncio.to_thread(backup_tools.dump, url, file)
