"""An operator of the house: the commands behind `make block`, in the gateway's environment."""

import asyncio
import contextlib
import io
from dataclasses import dataclass

import pytest
from house.house import House

from mcp_gateway.switches import table
from mcp_gateway.switches.cli import main


@dataclass
class Operator:
    home: House
    patch: pytest.MonkeyPatch

    async def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run one command; what it printed."""
        made = self.home.gateway.settings
        for key in ("config", "keys", "ledger_url", "redis_url"):
            self.patch.setenv(f"GATEWAY_{key.upper()}", str(getattr(made, key)))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            done = await asyncio.to_thread(main, arguments, insist_on_durability=False)
        assert done == code, (out.getvalue(), err.getvalue())
        return out.getvalue() + err.getvalue()

    async def open_everything(self) -> None:
        connection = await table.connect(self.home.gateway.settings.ledger_url)
        for one in await table.closed(connection):
            if one.kind != "tokens":
                await table.add(
                    connection, one.kind, one.name, closed=False, seconds=None, reason="", by="test"
                )
        await connection.close()
