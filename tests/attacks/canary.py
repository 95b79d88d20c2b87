"""Everything a small running stack leaves behind or says, gathered; and the secrets it must not hold."""

import gzip
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
from attacks.oracle import spelt
from browser import Browser
from people import Issuer

from mcp_local.load import Stack

# a signed token, whoever made it
TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}")
# where secrets are kept, for their owner alone
KEPT = ("secrets", "issuer", "valkey")
PAGES = ("", "calls", "policy", "connect")


@dataclass
class Telemetry:
    """What would have gone to a collector, as it came."""

    endpoint: str = ""
    bodies: list[bytes] = field(default_factory=list)


@contextmanager
def collecting() -> Iterator[Telemetry]:
    kept = Telemetry()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            gzipped = self.headers.get("content-encoding") == "gzip"
            kept.bodies.append(gzip.decompress(body) if gzipped else body)
            kept.bodies.append(str(self.headers).encode())
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        kept.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


def secrets_of(stack: Stack) -> dict[str, bytes]:
    """By file: passwords and keys of the stack, in every spelling somebody may have used."""
    found: dict[str, bytes] = {}
    for path in stack.here.secrets.iterdir():
        content = path.read_bytes()
        if content.isascii() and not content.startswith(b"-----"):
            found[path.name] = content.strip()
        elif path.suffix != ".pub":
            found |= {f"{path.name} {how}": one for how, one in spelt(content)}
    keys = json.loads((stack.here.run / "issuer" / "signing-keys.json").read_text("utf-8"))
    for key in keys if isinstance(keys, list) else keys["keys"]:
        found[f"the issuer's key {key['kid']}"] = key["d"].encode()
    return found


def left_behind(stack: Stack) -> dict[Path, bytes]:
    """Every file of the run folder, but those that keep secrets."""
    run, found = stack.here.run, {}
    for path in run.rglob("*"):
        if path.relative_to(run).parts[0] not in KEPT:
            with suppress(OSError):  # a folder, or a database's file that has just gone
                found[path] = path.read_bytes()
    return found


def issuer_of(stack: Stack) -> Issuer:
    """The stack's own issuer, as the tests of people speak to it."""
    secrets = stack.here.secrets
    password = (secrets / "demo-password").read_text("utf-8").strip()
    return Issuer(
        stack.here.issuer, stack.here.gateway, password, secrets / "gateway-assertion.pem"
    )


async def console(http: httpx2.AsyncClient, issuer: Issuer, person: str) -> list[httpx2.Response]:
    """Sign in to the console, and look at everything there is."""
    begun = await http.get(f"{issuer.gateway}/console/sign-in")
    asked: Mapping[str, Any] = dict(httpx2.QueryParams(urlsplit(begun.headers["location"]).query))
    browser = Browser(issuer, client_id="mcp-console", redirect_uri=asked["redirect_uri"])
    answer = browser.sign_in(person, **asked)
    pages = [begun, await http.get(f"{issuer.gateway}/console/callback?{urlencode(answer)}")]
    pages += [await http.get(f"{issuer.gateway}/console/{page}") for page in PAGES]
    for link in re.findall(r'href="(/console/(?:calls|records)/[^"#?]+)"', pages[-3].text)[:2]:
        pages.append(await http.get(f"{issuer.gateway}{link}"))
    return pages
