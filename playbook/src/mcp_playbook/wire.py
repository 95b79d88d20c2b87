"""MCP requests byte by byte, as any client could send them: nothing a client library would mend."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

MODERN, LEGACY = "2026-07-28", "2025-11-25"
SECONDS = 30.0
MOST_PAGES = 50
_META = "io.modelcontextprotocol/"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str
    document: Mapping[str, Any]

    @property
    def result(self) -> Mapping[str, Any]:
        found = self.document.get("result")
        return found if isinstance(found, dict) else {}

    @property
    def error(self) -> Mapping[str, Any]:
        found = self.document.get("error")
        return found if isinstance(found, dict) else {}

    @property
    def works(self) -> bool:
        """A result, and not a tool's error."""
        return bool(self.result) and not self.result.get("isError")

    @property
    def words(self) -> str:
        """What a model would read."""
        parts = self.result.get("content") or ()
        told = " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
        return told or str(self.error.get("message", "")) or self.text[:200]

    def brief(self) -> str:
        """Status and outcome in a few words, for evidence."""
        if self.error:
            return f"{self.status} error {self.error.get('code')}: {self.words[:100]}"
        if self.result.get("isError"):
            return f"{self.status} tool error: {self.words[:100]}"
        return f"{self.status}{' with a result' if self.result else ''}"


def request(method: str, params: Mapping[str, Any] | None, version: str, request_id: Any) -> bytes:
    asked = dict(params or {})
    if version == MODERN:
        asked["_meta"] = {
            f"{_META}protocolVersion": MODERN,
            f"{_META}clientCapabilities": {},
            f"{_META}clientInfo": {"name": "mcp-playbook", "version": "0.1.0"},
            **asked.get("_meta", {}),
        }
    document = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": asked}
    return json.dumps(document).encode()


def client(**more: Any) -> httpx2.AsyncClient:
    """No proxy of the environment; a private authority by SSL_CERT_FILE, as OpenSSL reads it."""
    return httpx2.AsyncClient(
        timeout=SECONDS, trust_env=False, verify=ssl.create_default_context(), **more
    )


async def ask(
    url: str,
    method: str,
    params: Mapping[str, Any] | None = None,
    *,
    token: str | None = None,
    version: str = MODERN,
    headers: Mapping[str, str | None] | None = None,
    body: bytes | None = None,
    request_id: Any = 1,
) -> Reply:
    """One POST. `headers` set to None are left out.

    Raises:
        httpx2.HTTPError: nothing answered.

    """
    named = (params or {}).get("name", (params or {}).get("uri"))
    made: dict[str, str | None] = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version,
        **({"mcp-method": method} if version == MODERN else {}),
        **({"mcp-name": str(named)} if version == MODERN and named is not None else {}),
        **({"authorization": f"Bearer {token}"} if token else {}),
        **(headers or {}),
    }
    content = request(method, params, version, request_id) if body is None else body
    async with client() as http:
        answer = await http.post(
            url, content=content, headers={k: v for k, v in made.items() if v is not None}
        )
    return Reply(answer.status_code, answer.headers, answer.text, _document(answer))


def _document(answer: httpx2.Response) -> Mapping[str, Any]:
    text = answer.text
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        events = [row[5:].strip() for row in text.splitlines() if row.startswith("data:")]
        text = events[-1] if events else ""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


async def get(url: str, **more: Any) -> httpx2.Response:
    async with client() as http:
        return await http.get(url, **more)


class ListRefusedError(Exception):
    """tools/list was not answered: its status, and whether a token had been sent."""

    def __init__(self, url: str, reply: Reply, *, signed_in: bool) -> None:
        super().__init__(f"tools/list at {urlsplit(url).path}: {reply.brief()}")
        self.unauthenticated = reply.status == 401 and not signed_in


async def listed(url: str, token: str | None) -> list[dict[str, Any]]:
    """Every page of tools/list.

    Raises:
        ListRefusedError: it was refused.

    """
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        params = {"cursor": cursor} if cursor else {}
        reply = await ask(url, "tools/list", params, token=token)
        if not reply.result:  # an older server: no discovery, one page
            reply = await ask(url, "tools/list", params, token=token, version=LEGACY)
        if not reply.result:
            raise ListRefusedError(url, reply, signed_in=token is not None)
        found += reply.result.get("tools", [])
        cursor = reply.result.get("nextCursor")
        if not cursor:
            break
    return found
