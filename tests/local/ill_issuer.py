"""A stack whose issuer is the one given, for the doctor to look at."""

import contextlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.small_stack import BASE, clone
from people import BASE_REALM, GATEWAY, Issuer, render

from mcp_local.load import Stack
from mcp_local.lock import held
from mcp_local.place import prepare
from mcp_local.stack import place_for_test

REALM_FILE = "infra/keycloak/realm.json"
# as the real file says it, for the doctor to find the line
TOLD = BASE.replace(
    'TRACE = "{run}/trace" }\n\n[services.gateway]',
    'TRACE = "{run}/trace", IDP_PUBLIC_URL = "{issuer_base}" }\n\n[services.gateway]',
).replace(
    'UPSTREAMS = "{upstreams}" }', 'UPSTREAMS = "{upstreams}", GATEWAY_ISSUER_INTERNAL = "%s" }'
)


@contextlib.contextmanager
def stack_of(
    folder: Path, issuer: Issuer, *, gateway: str = GATEWAY, internal: str = "", idp: str = ""
) -> Iterator[Stack]:
    """As if it ran: the issuer does, and the supervisor's lock is held."""
    port = urlsplit(issuer.url).port
    assert port
    reached = internal or f"http://127.0.0.1:{port}"
    root = clone(folder / "c", base=TOLD % reached)
    (root / "gateway" / "gateway.yaml").write_text(
        f"public_url: {gateway}\nissuer: {issuer.url}\nservers: [alpha]\n"
    )
    (root / REALM_FILE).parent.mkdir(parents=True)
    shutil.copy(BASE_REALM, root / REALM_FILE)
    here = replace(
        place_for_test(root / ".run", root),
        issuer_port=port,
        gateway_port=urlsplit(gateway).port or 0,
        idp=idp or "development",
    )
    prepare(here)
    (here.secrets / "demo-password").write_text(issuer.password)
    with held(here.run / "supervisor.lock"):
        yield Stack(here)


def realm_with(folder: Path, change: Callable[[dict[str, Any]], None]) -> Mapping[str, str]:
    """Environment of an issuer that has another realm than the file says."""
    realm_file, _ = render(
        folder, public_url_of_gateway=GATEWAY, servers=("numbers",), roles=(), changes={}
    )
    realm = json.loads(realm_file.read_text())
    change(realm)
    realm_file.write_text(json.dumps(realm))
    return {"IDP_REALM_FILE": str(realm_file)}


@contextlib.contextmanager
def gateway_that_names(issuer: str) -> Iterator[str]:
    """A gateway as far as its resource metadata goes; its URL."""
    told: dict[str, Any] = {}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200 if self.path in told else 404)
            self.end_headers()
            self.wfile.write(json.dumps(told.get(self.path, {})).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        url = f"http://localhost:{server.server_port}"
        resource = {"resource": f"{url}/mcp", "authorization_servers": [issuer]}
        told["/.well-known/oauth-protected-resource/mcp"] = resource
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield url
        server.shutdown()


def line_of(words: str) -> int:
    lines = BASE_REALM.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)
