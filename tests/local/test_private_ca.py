"""A stack's own certificate authority: good for loopback names alone, kept, renewed, its keys closed."""

import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mcp_local.private_ca import RENEW_DAYS, SERVER_DAYS, expires, issue
from mcp_local.trust import Authority


def handshake(certificate: Path, key: Path, trusted: Path, name: str) -> None:
    """Both sides of a TLS handshake, in memory, with OpenSSL's own verification."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    ours = ssl.create_default_context(cafile=str(trusted)).wrap_bio(
        to_client, to_server, server_hostname=name
    )
    waiting = {ours, theirs}
    for _ in range(6):
        for side in tuple(waiting):
            try:
                side.do_handshake()
                waiting.discard(side)
            except ssl.SSLWantReadError:
                continue
    assert not waiting


def signed_for(authority: Authority, name: str, folder: Path) -> tuple[Path, Path]:
    """What a thief of the authority's key would make."""
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    signer = serialization.load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    try:
        general: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        general = x509.DNSName(name)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "thief")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([general]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def test_a_client_that_trusts_the_authority_verifies_localhost(tmp_path: Path) -> None:
    made = issue(tmp_path / "tls")
    handshake(made.server_certificate, made.server_key, made.certificate, "localhost")


def test_the_certificate_has_no_address(tmp_path: Path) -> None:
    """With one, Claude Code 2.1.332 said "unsupported name constraint type" and did not connect."""
    made = issue(tmp_path / "tls")
    found = x509.load_pem_x509_certificate(made.server_certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.DNSName("localhost")]


def test_a_client_that_trusts_another_authority_refuses(tmp_path: Path) -> None:
    made, other = issue(tmp_path / "one"), issue(tmp_path / "two")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(made.server_certificate, made.server_key, other.certificate, "localhost")


@pytest.mark.parametrize("name", ["crm.example.com", "sub.localhost.example", "10.1.2.3"])
def test_a_stolen_authority_vouches_for_no_other_host(tmp_path: Path, name: str) -> None:
    made = issue(tmp_path / "tls")
    certificate, key = signed_for(made, name, tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(certificate, key, made.certificate, name)
    # it is the constraint that refuses: the same thief is believed on loopback
    handshake(*signed_for(made, "127.0.0.9", tmp_path), made.certificate, "127.0.0.9")


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    made = issue(tmp_path / "tls")
    assert [stat.S_IMODE(key.stat().st_mode) for key in made.keys] == [0o600, 0o600]
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "ca.key", "ca.pem", "server.key", "server.pem",
    ]  # fmt: skip


def test_what_was_made_is_kept(tmp_path: Path) -> None:
    first = issue(tmp_path / "tls")
    before = {path: path.read_bytes() for path in first.folder.iterdir()}
    issue(tmp_path / "tls")
    assert {path: path.read_bytes() for path in first.folder.iterdir()} == before


def test_a_certificate_near_its_end_is_made_anew_by_the_same_authority(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=SERVER_DAYS - RENEW_DAYS + 1)
    first = issue(tmp_path / "tls", lambda: long_ago)
    trusted, old = first.certificate.read_bytes(), first.server_certificate.read_bytes()
    issue(tmp_path / "tls")
    assert first.certificate.read_bytes() == trusted, "nobody has to trust another one"
    assert first.server_certificate.read_bytes() != old
    assert expires(first.server_certificate) > datetime.now(UTC) + timedelta(days=SERVER_DAYS - 1)
    handshake(first.server_certificate, first.server_key, first.certificate, "localhost")


def test_an_authority_without_its_key_is_made_anew_with_its_certificate(tmp_path: Path) -> None:
    made = issue(tmp_path / "tls")
    before = made.certificate.read_bytes()
    made.key.unlink()
    issue(tmp_path / "tls")
    assert made.certificate.read_bytes() != before
    handshake(made.server_certificate, made.server_key, made.certificate, "localhost")
