"""Readers of the knowledge base, and small trees of pages for them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_docs.load.pages import Defaults
from mcp_docs.load.run import Report, load
from mcp_docs.migrate import migrate
from mcp_docs.server import build
from mcp_docs.settings import Settings
from mcp_shared.identity import Caller, become

PASSWORD = "reader's-pass"
TODAY = date.today()  # noqa: DTZ011  the database's current_date is what it is compared with


@dataclass(frozen=True)
class Knowledge:
    """A migrated database: its superuser and its reader."""

    admin_url: str

    @property
    def reader_url(self) -> str:
        parts = urlsplit(self.admin_url)
        return f"postgresql://docs_ro:reader%27s-pass@{parts.hostname}:{parts.port}{parts.path}"

    async def load(
        self, *roots: Path, today: date = TODAY, whole: bool = False, **given: Any
    ) -> Report:
        connection = await asyncpg.connect(self.admin_url)
        try:
            return await load(
                connection, roots, Defaults(root_name="", **given), today, whole=whole
            )
        finally:
            await connection.close()

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        connection = await asyncpg.connect(self.admin_url)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()


async def prepared(admin_url: str) -> Knowledge:
    connection = await asyncpg.connect(admin_url)
    try:
        await migrate(connection, PASSWORD)
    finally:
        await connection.close()
    return Knowledge(admin_url)


@asynccontextmanager
async def session(url: str, *groups: str, **settings: Any) -> AsyncIterator[Client]:
    """The server in process, called by a person of these groups."""
    become(
        Caller(
            subject="s", username="ana", name="Ana", roles=frozenset(),
            groups=frozenset(groups), agent="test",
        )
    )  # fmt: skip
    async with Client(build(Settings(database_url=url, **settings))) as client:
        yield client


def text(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def write(
    root: Path, name: str, body: str, groups: Iterable[str] = ("everyone",), **head: Any
) -> Path:
    """A Markdown page with a head."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"groups: [{', '.join(groups)}]", *(f"{key}: {value}" for key, value in head.items())]
    path.write_text("---\n" + "\n".join(lines) + "\n---\n\n" + body)
    return path
