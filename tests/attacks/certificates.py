"""Certificates as they should be, and as they should not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Authority:
    file: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def made(cls, file: Path) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(file.stem)
        made = (
            _builder(name, name, key, (-1, 30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return cls(file, key, name)


def signed(
    folder: Path,
    authority: Authority,
    *,
    name: str = "localhost",
    days: tuple[int, int] = (-1, 30),
    self_signed: bool = False,
) -> tuple[Path, Path]:
    """A server's certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, signer = (_name(name), key) if self_signed else (authority.name, authority.key)
    made = (
        _builder(_name(name), issuer, key, days)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    certificate, private = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    clear = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, clear))
    return certificate, private


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: tuple[int, int]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    begin, end = (now + timedelta(days=one) for one in days)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
