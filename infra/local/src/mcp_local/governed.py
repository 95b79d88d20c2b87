"""Calls made through the gateway as real people, with the SDK's own client: what `make up` shows.

Which calls is told by the demo.toml of each listed server; nothing here knows a server.
"""

import asyncio
import json
import ssl
import time
import tomllib
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult
from pydantic import BaseModel, ConfigDict, ValidationError

from mcp_local.plan import Part
from mcp_local.stack_toml import StackTomlError
from mcp_shared.meta import RECEIPT, REFUSED

PROTOCOL = "2026-07-28"
CLIENT_ID = "mcp-dev-cli"  # public, password grant; the development realm alone has it
MOST_REPEATS = 300  # of a call that is expected to meet its limit

Decision = Literal["allowed", "refused", "limited", "failed"]


class Call(BaseModel):
    """One `[[call]]` of a demo.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str
    tool: str
    expect: Literal["allowed", "refused", "limited"]
    arguments: dict[str, Any] = {}
    server: str = ""


@dataclass(frozen=True)
class Outcome:
    call: Call
    decision: Decision
    milliseconds: float
    tries: int
    record: str | None  # segment/sequence of the ledger, where the answer carries a receipt
    note: str = ""

    @property
    def as_expected(self) -> bool:
        return self.decision == self.call.expect


def calls_of(server: Part) -> Iterator[Call]:
    file = server.folder / "demo.toml"
    if not file.is_file():
        return
    try:
        for entry in tomllib.loads(file.read_text("utf-8")).get("call", []):
            yield Call.model_validate({**entry, "server": server.name})
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise StackTomlError(f"{file}: {error}") from error


def token(token_endpoint: str, person: str, password: Path, scope: str = "openid aud:mcp") -> str:
    """A person's access token from the development issuer."""
    form = {
        "grant_type": "password", "client_id": CLIENT_ID, "username": person,
        "password": password.read_text().strip(), "scope": scope,
    }  # fmt: skip
    request = urllib.request.Request(token_endpoint, urllib.parse.urlencode(form).encode())  # noqa: S310
    # no proxy: the issuer is on this machine
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return str(json.load(answer)["access_token"])


async def make(calls: list[Call], mcp: str, token_endpoint: str, password: Path) -> list[Outcome]:
    """Every call in turn, each person signed in once."""
    tokens: dict[str, str] = {}
    outcomes = []
    for call in calls:
        try:
            if call.person not in tokens:
                tokens[call.person] = await asyncio.to_thread(
                    token, token_endpoint, call.person, password
                )
            outcomes.append(await _one(call, mcp, tokens[call.person]))
        except Exception as error:  # noqa: BLE001  a demonstration reports every failure and goes on
            outcomes.append(Outcome(call, "failed", 0.0, 1, None, _reason(error)))
    return outcomes


def _reason(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:200]


async def _one(call: Call, mcp: str, bearer: str) -> Outcome:
    http = httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=30,
        trust_env=False,  # no proxy: the gateway is on this machine
        verify=ssl.create_default_context(),  # which knows SSL_CERT_FILE all the same
    )
    async with http, Client(streamable_http_client(mcp, http_client=http), mode=PROTOCOL) as client:
        most = MOST_REPEATS if call.expect == "limited" else 1
        tries = 0
        decision: Decision = "allowed"
        while decision == "allowed" and tries < most:
            tries += 1
            begun = time.perf_counter()
            decision, meta, note = await _ask(client, call)
            milliseconds = (time.perf_counter() - begun) * 1000
    return Outcome(call, decision, milliseconds, tries, _record(meta), note)


async def _ask(client: Client, call: Call) -> tuple[Decision, dict[str, Any], str]:
    try:
        result = await client.call_tool(f"{call.server}_{call.tool}", call.arguments)
    except MCPError as error:
        data = error.data if isinstance(error.data, dict) else {}
        return "refused", data, error.message
    meta = dict(result.meta or {})
    if not result.is_error:
        return "allowed", meta, ""
    code = (meta.get(REFUSED) or {}).get("code")
    if code == "rate_limited":
        return "limited", meta, ""
    return "failed", meta, _text(result)


def _text(result: CallToolResult) -> str:
    return " ".join(getattr(part, "text", "") for part in result.content)[:200]


def _record(meta: dict[str, Any]) -> str | None:
    receipt = meta.get(RECEIPT)
    if not isinstance(receipt, dict) or "segment" not in receipt:
        return None
    return f"{str(receipt['segment'])[:8]}/{receipt['seq']}"
