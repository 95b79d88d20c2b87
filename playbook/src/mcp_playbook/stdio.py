"""A server on stdio, listened to: whether its stdout carries anything but JSON-RPC."""

import asyncio
import contextlib
import json
from dataclasses import dataclass

from mcp_playbook.deployment import Launch
from mcp_playbook.wire import LEGACY

SECONDS = 30.0
LINE_LIMIT = 8 * 1024 * 1024  # bytes; a tools/list is one line
_CLIENT = {"name": "mcp-playbook", "version": "0.1.0"}
_MESSAGES = (
    {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": _CLIENT},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
)  # fmt: skip


@dataclass(frozen=True)
class Heard:
    lines: int
    strangers: tuple[str, ...]  # lines of stdout that are no JSON-RPC
    answered: bool
    trouble: str = ""


async def listen(launch: Launch) -> Heard:
    """Start it, list its tools, close its stdin, and keep every line it wrote to stdout."""
    process = await asyncio.create_subprocess_exec(
        *launch.command, "--stdio", env=dict(launch.env), cwd=launch.folder, limit=LINE_LIMIT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018  pipes were asked for
    errors = asyncio.ensure_future(process.stderr.read())
    lines: list[str] = []
    trouble = ""
    try:
        async with asyncio.timeout(SECONDS):
            for message in _MESSAGES:
                process.stdin.write(json.dumps(message).encode() + b"\n")
            await process.stdin.drain()
            while (row := await process.stdout.readline()) and not _answers(row, 2):
                lines.append(row.decode("utf-8", "replace").rstrip("\n"))
            lines += [row.decode("utf-8", "replace").rstrip("\n")] if row else []
            process.stdin.close()
            rest = await process.stdout.read()
            lines += rest.decode("utf-8", "replace").splitlines()
            await process.wait()
    except (TimeoutError, OSError, ValueError) as error:
        trouble = f"{type(error).__name__} after {SECONDS:.0f} s at most"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    told = (await errors).decode("utf-8", "replace").strip().splitlines()
    return Heard(
        lines=len(lines),
        strangers=tuple(one for one in lines if one.strip() and not _is_rpc(one)),
        answered=any(_answers(one.encode(), 2) for one in lines),
        trouble=trouble or (told[-1][:200] if told else "it ended without a word"),
    )


def _is_rpc(text: str) -> bool:
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("jsonrpc") == "2.0"


def _answers(row: bytes, request_id: int) -> bool:
    try:
        found = json.loads(row)
    except ValueError:
        return False
    return isinstance(found, dict) and found.get("id") == request_id and "result" in found
