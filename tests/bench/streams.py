"""What an open subscriptions/listen stream costs: memory, and time while nothing changes."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

from bench.asking import META, MODERN
from bench.measured import Streams
from bench.rounds import settled
from bench.stage import Stage, Subject, furnished
from people import Issuer, running_issuer

MANY = 1000
EACH = 8  # the most one person may have
IDLE_SECONDS = 5.0


def people() -> list[dict[str, Any]]:
    """As many as it takes; the realm's own are too few for so many streams."""
    return [
        {
            "id": f"5c1a3e52-7d0b-4b5e-9d3a-{number:012d}",
            "username": f"person-{number}",
            "enabled": True,
            "email": f"person-{number}@larkfield.example",
            "emailVerified": True,
            "firstName": "Person",
            "lastName": str(number),
            "groups": ["/analyst", "/region-all"],
            "realmRoles": [],
            "requiredActions": [],
            "credentials": [{"type": "password", "value": "${DEMO_PASSWORD}", "temporary": False}],
        }
        for number in range(MANY // EACH)
    ]


@contextlib.contextmanager
def crowded(stage: Stage) -> Iterator[Issuer]:
    with running_issuer(
        stage.folder / "crowded-issuer", servers=("stock",), changes={"users": people()}
    ) as issuer:
        yield issuer


def measured(stage: Stage) -> Streams:
    with crowded(stage) as issuer:
        office = furnished(stage.folder / "crowd", issuer, stage.database, stage.redis_url)
        gateway = stage.gateway("listened", office=office)
        tokens = [issuer.token(one["username"], "aud:mcp") for one in people()]
        # as it is when a process has worked: with everything imported and connected
        for token in tokens[:4]:
            _opened(gateway, token).close()
        settled(gateway.part)
        before = gateway.part.memory()
        with contextlib.ExitStack() as opened:
            for token in tokens:
                for _ in range(EACH):
                    opened.enter_context(contextlib.closing(_opened(gateway, token)))
            grown = gateway.part.memory() - before
            used = gateway.part.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            used = gateway.part.cpu_seconds() - used
    return Streams(MANY, grown / MANY, used / IDLE_SECONDS)


def _opened(gateway: Subject, token: str) -> socket.socket:
    """A stream whose acknowledgement has come."""
    params = {"_meta": META, "notifications": {"toolsListChanged": True}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params}
    body = json.dumps(message)
    lines = [
        f"POST {gateway.path} HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}",
        "Content-Type: application/json", "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: subscriptions/listen",
        f"Authorization: Bearer {token}", f"Content-Length: {len(body)}", "", body,
    ]  # fmt: skip
    made = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    made.sendall("\r\n".join(lines).encode())
    got = b""
    while b"subscriptions/acknowledged" not in got:
        data = made.recv(65_536)
        got += data
        if not data or not got.startswith(b"HTTP/1.1 200"[: len(got)]):
            raise RuntimeError(f"no stream: {got[:300]!r}")
    return made
