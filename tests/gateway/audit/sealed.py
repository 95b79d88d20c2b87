"""Calls recorded as the gateway records them, with their arguments encrypted beside the record."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

import msgspec
from gateway.audit.conftest import Place
from gateway.made import a_call, a_principal, a_rule

from mcp_gateway.audit import keys
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.payload import Vault, create_kek
from mcp_gateway.audit.verify import verify
from mcp_gateway.call import Answer, Grant
from mcp_gateway.record import Recorder

ANSWER = Answer(status="ok", reason="", result={"content": msgspec.Raw(b"[]")})


class Calls:
    """What people asked for, each an intent and an outcome on the record."""

    def __init__(self, place: Place, ledger: Ledger) -> None:
        self._recorder = Recorder(ledger, decided=lambda *_: None, vault=Vault.at(place.key.parent))

    async def of(
        self,
        person: str,
        rid: str,
        arguments: Mapping[str, Any],
        keep: Literal["redacted", "encrypted"] = "encrypted",
    ) -> None:
        grant = Grant(
            principal=a_principal("analyst", username=person),
            call=msgspec.structs.replace(a_call(arguments=arguments), id=rid),
            server="one", target="read_it", rule=replace(a_rule(), keep=keep),
            definition=None, policy="v1",
        )  # fmt: skip
        await self._recorder.close(await self._recorder.admit(grant), ANSWER)

    async def many(self, person: str, calls: int, first: int = 0) -> None:
        await asyncio.gather(
            *(self.of(person, f"{person}-{n}", {"n": n}) for n in range(first, first + calls))
        )


@asynccontextmanager
async def calling(place: Place) -> AsyncIterator[tuple[Ledger, Calls]]:
    create_kek(place.key.parent)
    async with place.opened() as ledger:
        yield ledger, Calls(place, ledger)


async def checked(place: Place) -> Report:
    return await verify(place.reader, keys.load_public(place.public))
