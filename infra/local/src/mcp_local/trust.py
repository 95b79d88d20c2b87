"""Where a stack's certificate authority is, and how a process of ours comes to trust it."""

import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from mcp_local.place import Place

VARIABLE = "SSL_CERT_FILE"  # OpenSSL's own, read with every new context
HANDSHAKE_SECONDS = 5


@dataclass(frozen=True)
class Authority:
    """Its files: two certificates to show, two keys for their owner alone."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What clients are told to trust."""
        return self.folder / "ca.pem"

    @property
    def key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def server_certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def server_key(self) -> Path:
        return self.folder / "server.key"

    @property
    def bundle(self) -> Path:
        """The authority beside those that were trusted before, for our own clients."""
        return self.folder / "trust.pem"

    @property
    def keys(self) -> tuple[Path, Path]:
        return self.key, self.server_key


def adopt(here: Place) -> None:
    """From here on this process trusts the stack's authority, too. Children that it starts do."""
    bundle = Authority(here.certificates).bundle
    if here.tls and bundle.is_file():
        os.environ[VARIABLE] = str(bundle)


def handshake(here: Place) -> None:
    """With gateway and issuer, as a client that trusts the authority and nobody else.

    Raises:
        OSError: nobody answers, or the certificate is not to be trusted.

    """
    trusting = ssl.create_default_context(cafile=str(Authority(here.certificates).certificate))
    for port in (here.gateway_port, here.issuer_port):
        with (
            socket.create_connection(("127.0.0.1", port), timeout=HANDSHAKE_SECONDS) as plain,
            trusting.wrap_socket(plain, server_hostname="localhost"),
        ):
            pass
