"""A certificate authority of one stack, made once, and its certificate for `localhost`.

The authority's name constraints are critical: whoever steals its key can impersonate this machine's
loopback to those who trust it, and no other host.
"""

import ipaddress
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mcp_local.trust import Authority

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397  # the most that browsers take
RENEW_DAYS = 60  # left, when a start makes the certificate anew
BACKDATED = timedelta(hours=1)  # for clients whose clock is behind
# the one name of both public URLs. No address: BoringSSL, and so the native Claude Code, refuses a
# certificate with addresses under an authority whose addresses are constrained
NAMES = (x509.DNSName("localhost"),)
PERMITTED = (*NAMES, *(x509.IPAddress(ipaddress.ip_network(n)) for n in ("127.0.0.0/8", "::1/128")))

Clock = Callable[[], datetime]


def issue(folder: Path, clock: Clock = lambda: datetime.now(UTC)) -> Authority:
    """The authority, made at first use and kept; its server certificate, renewed in time."""
    authority = Authority(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = clock()
    if not _lasts(authority.certificate, authority.key, now):
        authority.server_certificate.unlink(missing_ok=True)
        _make_authority(authority, now)
    if not _lasts(authority.server_certificate, authority.server_key, now):
        _make_server(authority, now)
    return authority


def expires(certificate: Path) -> datetime:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _lasts(certificate: Path, key: Path, now: datetime) -> bool:
    if not certificate.is_file() or not key.is_file():
        return False
    return expires(certificate) - now > timedelta(days=RENEW_DAYS)


def _make_authority(authority: Authority, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    # named apart, so that two of them can be told from each other in a trust store
    name = _name(f"MCP local stack {secrets.token_hex(4)}")
    made = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(PERMITTED, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    _keep(authority.key, authority.certificate, key, made)


def _make_server(authority: Authority, now: datetime) -> None:
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    signer = serialization.load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101  made above
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(_name("localhost"), issuer.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _keep(authority.server_key, authority.server_certificate, key, made)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _keep(
    key_file: Path, file: Path, key: ec.EllipticCurvePrivateKey, made: x509.Certificate
) -> None:
    """The key first: interrupted in between, the next start makes both anew."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(key_file, pem, 0o600)
    _write(file, made.public_bytes(serialization.Encoding.PEM), 0o644)


def _write(file: Path, content: bytes, mode: int) -> None:
    aside = file.with_suffix(f"{file.suffix}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
    aside.replace(file)
