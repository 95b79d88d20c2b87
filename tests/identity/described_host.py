"""A host's own https site with the document that describes it, and what makes Keycloak find it."""

import contextlib
import datetime as dt
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "hosts.larkfield.example"
REDIRECT = "http://127.0.0.1/callback"


def settings(folder: Path) -> dict[str, str]:
    """Variables of a Keycloak that finds this name on this machine, and trusts its certificate."""
    folder.mkdir(exist_ok=True)
    certificate, hosts = _certified(folder), folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {NAME}\n")
    return {
        "KC_TRUSTSTORE_PATHS": str(certificate),
        "JAVA_OPTS_APPEND": f"-Djdk.net.hosts.file={hosts}",
    }


def _certified(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@dataclass
class Site:
    """What is there: path → document. Every path that was asked for is kept."""

    port: int
    documents: dict[str, Mapping[str, object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def describe(self, path: str, **changes: object) -> str:
        """A host of this site; its clientId."""
        url = f"https://{NAME}:{self.port}{path}"
        self.documents[path] = {
            "client_id": url,
            "client_name": "A host nobody here has heard of",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            **changes,
        }
        return url


@contextlib.contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """With the certificate that `settings` made in this folder."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            found = site.documents.get(self.path)
            self.send_response(200 if found else 404)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: object) -> None:
            """A test's output is its own."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site = Site(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
