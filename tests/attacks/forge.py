"""Tokens as an attacker or a careless issuer would make them, and a gateway that is offered them.

They are signed with the issuer's own key unless that is the attack, so that each is wrong in one
thing alone; and every refusal says inside which thing it was.
"""

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from attacks.oracle import Told, unharmed
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from house.asks import GOOD, error_of, result_of
from house.house import GATEWAY, House
from joserfc.jwk import RSAKey
from people import Issuer

# a claim or header with this value is left out
GONE: Any = object()
OWN_NAMES = {"": GOOD["name"], "numbers": "add_numbers", "letters": "count_letters"}


def signed_in(issuer: Issuer) -> dict[str, str]:
    """Every token that ana gets at once: access, refresh and ID token."""
    answer = issuer.ask(
        grant_type="password", client_id="mcp-dev-cli", username="ana", password=issuer.password,
        scope="openid aud:mcp",
    )  # fmt: skip
    tokens: dict[str, str] = answer.json()
    return tokens


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def dumped(document: Mapping[str, Any]) -> bytes:
    kept = {name: value for name, value in document.items() if value is not GONE}
    return json.dumps(kept, separators=(",", ":")).encode()


def sealed(header: bytes, payload: bytes, key: RSAKey) -> str:
    """RS256 whatever the header says, over bytes as they are: what a library would not sign."""
    text = f"{b64(header)}.{b64(payload)}"
    private: Any = key.private_key
    return f"{text}.{b64(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


class Mint:
    """The development issuer's signing key, and what it says of ana."""

    def __init__(self, issuer: Issuer) -> None:
        ring = issuer.key_file.parent / ".idp" / "signing-keys.json"
        self.key = RSAKey.import_key(json.loads(ring.read_text("utf-8"))[0])
        self.claims = issuer.claims(issuer.token("ana"))
        self.header = {"alg": "RS256", "typ": "JWT", "kid": self.key.kid}

    def token(
        self, header: Mapping[str, Any] | None = None, *, key: RSAKey | None = None, **bent: Any
    ) -> str:
        """A good token with other claims, another header or another key."""
        said = dumped({**self.header, **(header or {})})
        return sealed(said, dumped({**self.claims, **bent}), key or self.key)

    def spelt(self, **bent: str) -> str:
        """A good token with claims spelt as given: what no JSON writer would write."""
        rest = dumped({**self.claims, **dict.fromkeys(bent, GONE)})[1:]
        more = ",".join(f'"{name}":{text}' for name, text in bent.items())
        return sealed(dumped(self.header), b"{" + more.encode() + b"," + rest, self.key)

    def relabelled(self, token: str, **header: Any) -> str:
        """This token under another header; the signature stays."""
        return ".".join([b64(dumped({**self.header, **header})), *token.split(".")[1:]])


@dataclass
class Offered:
    """Tokens are offered to the gateway one by one; the oracle judges at the end."""

    home: House
    told: Told
    mint: Mint
    reasons: list[str] = field(default_factory=list)

    async def call(self, token: str, endpoint: str = "") -> httpx2.Response:
        """A call that would reach a server, were it let in."""
        assert self.home.gateway.edge is not None
        self.home.gateway.edge.floods.forget()  # each is judged by itself, not by those before
        self.told.secrets[f"token {len(self.told.secrets)}"] = token.encode()
        said = {"authorization": f"Bearer {token}"}
        name = OWN_NAMES[endpoint]
        call = self.home.call(name, GOOD["arguments"], endpoint=endpoint, headers=said)
        return self.told.answer(await call)  # type: ignore[no-any-return]

    async def refused(self, token: str, *reasons: str, endpoint: str = "") -> None:
        """401 with the challenge of a wrong token, and one of these reasons known inside."""
        response = await self.call(token, endpoint)
        assert response.status_code == 401, (self.reasons[-1:], response.text)
        assert response.headers["www-authenticate"] == challenge(endpoint, "invalid_token")
        assert error_of(response)["code"] == -31401
        assert self.reasons[-1] in reasons

    async def admitted(self, token: str, endpoint: str = "") -> None:
        said = {"authorization": f"Bearer {token}"}
        listed = await self.home.post("tools/list", endpoint=endpoint, headers=said)
        assert result_of(self.told.answer(listed))["tools"]


def challenge(endpoint: str, error: str = "") -> str:
    """The one challenge of an endpoint (RFC 6750, RFC 9728)."""
    path = f"/servers/{endpoint}/mcp" if endpoint else "/mcp"
    named = [f'error="{error}"'] if error else []
    return "Bearer " + ", ".join(
        [
            *named,
            f'scope="aud:{endpoint or "mcp"}"',
            f'resource_metadata="{GATEWAY}/.well-known/oauth-protected-resource{path}"',
        ]
    )


@contextlib.asynccontextmanager
async def offering(home: House, **oracle: Any) -> AsyncIterator[Offered]:
    """Who has no token for here is turned away before a call is read: no record, no server."""
    mint = Mint(home.issuer)
    async with unharmed(home, **{"records": 0, **oracle}) as told:
        with reasons_of_refusals() as reasons:
            offered = Offered(home, told, mint, reasons)
            await offered.admitted(mint.token())  # only what is changed below can be the reason
            yield offered


@contextlib.contextmanager
def reasons_of_refusals() -> Iterator[list[str]]:
    """What the gateway says to itself of those whom it turned away."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(vars(record)["reason"])

    log, handler = logging.getLogger("mcp_gateway.door.turned_away"), Kept()
    log.addHandler(handler)
    try:
        yield found
    finally:
        log.removeHandler(handler)


@contextlib.asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, list[int]]]:
    """A port of this machine, and the connections it has seen."""
    seen: list[int] = []

    async def listen(_: Any, writer: Any) -> None:
        seen.append(1)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen
