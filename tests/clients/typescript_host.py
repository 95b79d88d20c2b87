"""An application with the TypeScript SDK in it, as a process of the wheel's node."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.node import Installed
from clients.person import Person

SCRIPT = Path(__file__).parent / "typescript" / "host.mjs"
ANSWER_SECONDS = 30
MODERN = "2026-07-28"
# package, and how it agrees on a version; the older one knows but one way
WAYS: dict[str, tuple[str, Any]] = {
    "client, 2026-07-28": ("client", {"pin": MODERN}),
    "client, auto": ("client", "auto"),
    "client, legacy": ("client", "legacy"),
    "sdk 1": ("sdk", None),
}


class ShownError(Exception):
    """An error as the SDK shows it to the application."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.kind: str = error["kind"]
        self.code: Any = error.get("code")
        self.message: str = error["message"]
        self.data: Any = error.get("data")
        self.status: Any = error.get("status")


@dataclass
class TypeScriptHost:
    process: asyncio.subprocess.Process
    person: Person | None

    async def __call__(self, what: str, **more: Any) -> Any:
        """What the SDK gave for it."""
        await self._tell({"do": what, **more})
        said = await self._hear()
        if "browser" in said:
            assert self.person is not None
            await self._tell(await asyncio.to_thread(self.person.sign_in, said["browser"]))
            said = await self._hear()
        if "error" in said:
            raise ShownError(said["error"])
        return said["result"]

    async def _tell(self, line: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        await self.process.stdin.drain()

    async def _hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await self.process.stdout.readline()
        assert line, "the host has ended"
        said: dict[str, Any] = json.loads(line)
        return said


@asynccontextmanager
async def host(
    found: Installed, way: str, url: str, person: Person | None = None, **more: Any
) -> AsyncIterator[TypeScriptHost]:
    """One that has not connected yet; `person` signs in where it sends them."""
    package, mode = WAYS[way]
    told = {
        "modules": str(found.modules), "sdk": package, "mode": mode, "url": url,
        "clientId": "mcp-host", **more,
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        str(found.node), str(SCRIPT), json.dumps(told),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={"NO_PROXY": "localhost,127.0.0.1"}, limit=2**24,
    )  # fmt: skip
    try:
        yield TypeScriptHost(process, person)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
