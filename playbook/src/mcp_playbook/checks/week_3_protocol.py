"""Week 3: the door does what the protocol says, also with what no honest client sends."""

import asyncio
import gzip
from urllib.parse import urlsplit

from mcp_playbook import wire
from mcp_playbook.checks.check import Failed, line
from mcp_playbook.checks.needs import let_in, one_allowed, signed_in
from mcp_playbook.deployment import Deployment, Endpoint
from mcp_playbook.wire import LEGACY, MODERN

HEADER_MISMATCH = -32020
LONG_ENOUGH_SECONDS = 10.0
LARGE = 64 * 1024 * 1024  # bytes; announced, never sent
PRIVATE = (
    "/metrics", "/docs", "/openapi.json", "/debug", "/debug/pprof", "/server-status", "/.env",
    "/.git/config", "/admin", "/actuator", "/reload", "/gateway.yaml", "/policy",
)  # fmt: skip


async def _token(at: Deployment, endpoint: Endpoint) -> str | None:
    return await signed_in(at, endpoint) if at.tokens else None


@line("W3-15", "black-box", "Headers that disagree with the body are refused", "CC6.8", "A.8.26")
async def mirrored(at: Deployment) -> str:
    probe = one_allowed(at)[0]
    endpoint = at.endpoint_of(probe)
    for what, headers in {
        "Mcp-Method": {"mcp-method": "tools/list"},
        "Mcp-Name": {"mcp-name": "another_tool"},
        "no Mcp-Method": {"mcp-method": None},
        "MCP-Protocol-Version": {"mcp-protocol-version": LEGACY, "mcp-method": None},
    }.items():
        reply = await at.call(probe, endpoint, headers=headers)
        if reply.status != 400 or reply.error.get("code") != HEADER_MISMATCH:
            raise Failed(
                f"{what} other than the body: {reply.brief()}",
                do=f"400 with {HEADER_MISMATCH}: what a proxy routes by must be what is executed.",
            )
    return f"4 disagreements, each 400 with {HEADER_MISMATCH}"


@line("W3-16", "black-box", "Foreign Origin and Host are refused", "CC6.6", "A.8.26")
async def rebinding(at: Deployment) -> str:
    endpoint = at.endpoints[0]
    token = await _token(at, endpoint)
    told = []
    for what, headers in {
        "Origin": {"origin": "https://evil.example"},
        "Origin null": {"origin": "null"},
        "Host": {"host": "evil.example"},
    }.items():
        reply = await at.ask(endpoint, "tools/list", token=token, headers=headers)
        let_in(at, reply)
        if reply.status not in (400, 403, 404, 421):
            raise Failed(
                f"a foreign {what} was answered {reply.brief()}",
                do="Allow-list both; a page in somebody's browser must not reach the gateway.",
            )
        told.append(f"{what} {reply.status}")
    return ", ".join(told)


@line("W3-17", "black-box", "Oversized and compressed bodies are refused", "A.8.6", "CC6.6")
async def bodies(at: Deployment) -> str:
    endpoint = at.endpoints[0]
    token = await _token(at, endpoint)
    packed = gzip.compress(wire.request("tools/list", {}, MODERN, 1))
    squeezed = await at.ask(
        endpoint, "tools/list", token=token, body=packed, headers={"content-encoding": "gzip"}
    )
    let_in(at, squeezed)
    if squeezed.status != 415:
        raise Failed(
            f"a compressed body was answered {squeezed.brief()}",
            do="415: one kilobyte can unpack to a gigabyte.",
        )
    announced = await _announced(endpoint, token)
    if announced != 413:
        raise Failed(
            f"a body of {LARGE >> 20} MiB was answered {announced or 'nothing'}",
            do="413 before it is read: limits.body_bytes in gateway.yaml.",
        )
    return f"compressed 415; {LARGE >> 20} MiB announced 413"


async def _announced(endpoint: Endpoint, token: str | None) -> int | None:
    """The status for a body that is announced as large and of which nothing is sent.

    By hand: client libraries send what they announced before they read an answer.
    """
    parts = urlsplit(endpoint.url)
    secure = parts.scheme == "https"
    lines = [
        f"POST {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close",
        "Content-Type: application/json", "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/list", f"Content-Length: {LARGE}",
        *([f"Authorization: Bearer {token}"] if token else []),
    ]  # fmt: skip
    port = parts.port or (443 if secure else 80)
    try:
        async with asyncio.timeout(LONG_ENOUGH_SECONDS):
            reader, writer = await asyncio.open_connection(
                parts.hostname, port, ssl=True if secure else None
            )
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            await writer.drain()
            status = (await reader.readline()).split()
            writer.close()
            return int(status[1])
    except (OSError, TimeoutError, ValueError, IndexError):
        return None


@line("W3-18", "black-box", "Both protocol eras are answered", "A.8.26")
async def eras(at: Deployment) -> str:
    for endpoint in at.endpoints:
        token = await _token(at, endpoint)
        now = await at.ask(endpoint, "server/discover", {}, token=token)
        let_in(at, now)
        if MODERN not in now.result.get("supportedVersions", []):
            raise Failed(
                f"{endpoint.shown} server/discover: {now.brief()}", do=f"Serve protocol {MODERN}."
            )
        hello = {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": {"name": "mcp-playbook", "version": "0.1.0"},
        }
        then = await at.ask(endpoint, "initialize", hello, token=token, version=LEGACY)
        if then.result.get("protocolVersion") != LEGACY:
            raise Failed(
                f"{endpoint.shown} initialize: {then.brief()}",
                do=f"Serve {LEGACY} too: most clients still speak it.",
            )
        listed = await at.ask(endpoint, "tools/list", {}, token=token, version=LEGACY)
        if not listed.result.get("tools"):
            raise Failed(f"{endpoint.shown} lists nothing in {LEGACY}", do="See decision 0010.")
    return f"{MODERN} and {LEGACY} at {len(at.endpoints)} endpoint(s)"


@line(
    "W3-19", "black-box", "The public listener has no debug pages and no metrics",
    "CC6.6", "A.8.9", "A.8.20",
)  # fmt: skip
async def private(at: Deployment) -> str:
    for path in PRIVATE:
        answer = await wire.get(at.origin + path)
        if answer.status_code not in (401, 403, 404, 405):
            raise Failed(
                f"{path} answers {answer.status_code}",
                do="Keep it off the public listener: another port, on loopback.",
            )
    return f"{len(PRIVATE)} usual paths, none answers"
