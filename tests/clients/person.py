"""A person who is sent to a sign-in page by a client, signs in, and is sent back to it."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import httpx2
from browser import Browser
from people import Issuer

from mcp_local.load import Stack


@dataclass
class _Window(Browser):
    """A browser that a client opened at an address of its own making."""

    address: str = ""

    def open(self, **_changes: str | None) -> httpx2.Response:
        return self.get(self.address)


@dataclass
class Person:
    name: str
    stack: Stack
    # where clients have sent this person so far
    sent_to: list[str] = field(default_factory=list)

    def sign_in(self, address: str) -> dict[str, str]:
        """What the way back to the client says: code, state, iss."""
        self.sent_to.append(address)
        here = self.stack.here
        secret = (here.secrets / "demo-password").read_text("utf-8").strip()
        issuer = Issuer(here.issuer, here.gateway, secret, here.secrets / "gateway-assertion.pem")
        window = _Window(issuer, redirect_uri=self.asked("redirect_uri"), address=address)
        return window.sign_in(self.name)

    def sign_in_and_return(self, address: str) -> None:
        """As far as the client's own address on this machine."""
        said = self.sign_in(address)
        httpx2.get(self.asked("redirect_uri"), params=said).raise_for_status()

    def asked(self, parameter: str) -> str:
        """A parameter of the last address that a client sent this person to."""
        return dict(parse_qsl(urlsplit(self.sent_to[-1]).query))[parameter]
