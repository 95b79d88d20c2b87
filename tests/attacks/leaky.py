"""Secrets of every kind, made up from a seed, and a great deal that only looks like one."""

import base64
import hashlib
import json
import random
import string
import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WORD = string.ascii_letters + string.digits
SAFE = WORD + "_-"
UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
PROSE = (
    "The customer asked for a quotation of forty units, delivered to the warehouse in Leeds. "
    "Nobody has answered yet; the desk will follow up on Monday, as agreed with the buyer. "
)


class Maker:
    """Draws from one seed, so that a failure can be looked at again."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def of(self, letters: str, size: int) -> str:
        return "".join(self.chance.choice(letters) for _ in range(size))

    def card(self) -> str:
        prefix, size = self.chance.choice(
            [("4", 16), ("51", 16), ("2221", 16), ("37", 15), ("6011", 16), ("36", 14)]
        )
        digits = prefix + self.of(string.digits, size - len(prefix) - 1)
        doubled = [int(one) * (2 if at % 2 == 0 else 1) for at, one in enumerate(reversed(digits))]
        digits += str(-sum(one - 9 if one > 9 else one for one in doubled) % 10)
        mark = self.chance.choice(["", " ", "-"])
        if len(digits) == 16:
            return mark.join(digits[at : at + 4] for at in range(0, 16, 4))
        return mark.join((digits[:4], digits[4:10], digits[10:]))

    def jwt(self) -> str:
        def part(content: object) -> str:
            return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

        head = part({"alg": "RS256", "typ": "JWT", "kid": self.of(HEX, 8)})
        return f"{head}.{part({'sub': self.of(WORD, 12), 'exp': 2**31})}.{self.of(SAFE, 86)}"

    def pem(self) -> str:
        key: Ed25519PrivateKey | EllipticCurvePrivateKey
        if self.chance.random() < 0.5:
            key = Ed25519PrivateKey.from_private_bytes(self.chance.randbytes(32))
        else:
            key = derive_private_key(self.chance.getrandbits(250), SECP256R1())
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()


def kinds(maker: Maker) -> dict[str, Callable[[], str]]:
    of = maker.of
    return {
        "aws": lambda: maker.chance.choice(["AKIA", "ASIA"]) + of(UPPER, 16),
        "github": lambda: f"gh{of('pousr', 1)}_{of(WORD, 36)}",
        "github, fine": lambda: f"github_pat_{of(WORD, 22)}_{of(WORD, 59)}",
        "gitlab": lambda: f"glpat-{of(SAFE, 19)}{of(WORD, 1)}",
        "slack": lambda: f"xox{of('abp', 1)}-{of(string.digits, 11)}-{of(WORD, 24)}",
        "stripe": lambda: f"sk_live_{of(WORD, 24)}",
        "google": lambda: f"AIza{of(WORD, 35)}",
        "model": lambda: f"sk-{maker.chance.choice(['ant', 'proj'])}-{of(WORD, 40)}",
        "npm": lambda: f"npm_{of(WORD, 36)}",
        "mail": lambda: f"SG.{of(WORD, 22)}.{of(WORD, 43)}",
        "hubspot": lambda: f"pat-na1-{uuid.UUID(int=maker.chance.getrandbits(128))}",
        "vault": lambda: f"hvs.{of(WORD, 32)}",
        "jwt": maker.jwt,
        "pem": maker.pem,
        "card": maker.card,
    }


def in_text(maker: Maker, secret: str) -> str:
    """Where people and programs put secrets."""
    before, after = maker.chance.choice(
        [
            ("", ""), ("the key is ", ", do not tell"), ('{"key": "', '"}'), ("KEY=", "\n"),
            ("line\n", "\nline"), ("(", ")"), ("key: '", "';"), ("\t", "\t"), ("“", "”"),
            ("https://larkfield.example/hook?t=", "&x=1"), (PROSE, " " + PROSE),
        ]
    )  # fmt: skip
    return before + secret + after


def harmless(maker: Maker) -> Iterator[str]:
    """One of everything that is no secret, again and again with other values."""
    of, chance = maker.of, maker.chance
    while True:
        yield str(uuid.UUID(int=chance.getrandbits(128)))
        yield f"{of(string.digits, 8)}-{of(string.digits, 4)}-4{of(string.digits, 3)}-8{of(string.digits, 3)}-{of(string.digits, 12)}"
        yield hashlib.sha256(of(WORD, 9).encode()).hexdigest()
        yield hashlib.sha1(of(WORD, 9).encode(), usedforsecurity=False).hexdigest()
        yield f"sha512-{base64.b64encode(hashlib.sha512(of(WORD, 9).encode()).digest()).decode()}"
        yield f"ORD-{chance.randrange(2020, 2027)}-{chance.randrange(10**6):06}"
        yield f"order {chance.randrange(10**9, 10**12)} of account {chance.randrange(10**10)}"
        yield f"{chance.randrange(1_500_000_000_000, 1_900_000_000_000)}"
        yield f"{chance.randrange(1_500_000_000_000_000, 1_900_000_000_000_000)}"
        yield f"0.{of(string.digits, 16)} and 12.{of(string.digits, 14)}"
        yield f"€ {chance.randrange(10**6):,}.{chance.randrange(100):02}, EUR {chance.random() * 1e6:.2f}"
        yield f"+44 20 {of(string.digits, 4)} {of(string.digits, 4)}, +1 (555) 010-{of(string.digits, 4)}"
        yield f"DE{of(string.digits, 2)} {' '.join(of(string.digits, 4) for _ in range(4))} {of(string.digits, 2)}"[
            :12
        ]
        yield "data:image/png;base64," + base64.b64encode(chance.randbytes(3000)).decode()
        yield base64.b64encode(PROSE.encode() * 3).decode()
        yield PROSE * chance.randrange(1, 5)
        yield f"https://files.larkfield.example:8443/a/{of(WORD, 20)}?page=2&t={chance.randrange(10**9)}#x"
        yield f"mailto:ana@larkfield.example, ssh://git@host.example/{of(WORD, 8)}.git"
        yield f"the task-{of(HEX, 12)} of desk-{of(WORD, 30)} and risk-{of(HEX, 32)}"
        yield f"2026-11-25T10:{chance.randrange(60):02}:00Z 20261125{of(string.digits, 6)}"
        yield f"v{chance.randrange(9)}.{chance.randrange(20)}.{chance.randrange(99)}+{of(HEX, 7)}"
        yield "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(chance.randbytes(600)).decode()
        yield "Put the lines between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----."
        yield "Authorization: Bearer <token>; basic knowledge, bearer of good news, secret access key"
        yield "postgresql://user:${PASSWORD}@db/app and http://localhost:8080/a@b"
        yield f'trace {of(HEX, 32)} span {of(HEX, 16)} etag W/"{of(WORD, 27)}" sku {of(UPPER, 20)}'
        yield f"eyJ is how base64 of a brace begins: {base64.b64encode(json.dumps({'a': of(WORD, 40)}).encode()).decode()}"
        yield f"1.{chance.randrange(10)}e-{chance.randrange(10)} {chance.randrange(2**43)} {-chance.randrange(2**31)}"
        yield f"customs tariff 4{of(string.digits, 12)} (EAN), ISBN 978-{of(string.digits, 1)}-{of(string.digits, 4)}-{of(string.digits, 4)}-{of(string.digits, 1)}"


FORMS = ("text", "blocks", "structured", "keys", "json in text", "base64", "resource", "contents")
COUNT = 60  # secrets in an answer
MEGABYTE = 1024**2


def answer_with(seed: int, form: str) -> tuple[dict[str, Any], list[str]]:
    """A server's result with secrets somewhere in it, and these; the same for the same seed."""
    maker = Maker(seed)
    makers = list(kinds(maker).values())
    secrets = [makers[at % len(makers)]().strip() for at in range(COUNT)]
    around = list(islice(harmless(maker), COUNT))
    texts = [
        f"{one}\n{in_text(maker, secret)}\n" for one, secret in zip(around, secrets, strict=True)
    ]
    return _formed(maker, form, texts, secrets), secrets


def answer_without(seed: int) -> dict[str, Any]:
    texts = list(islice(harmless(Maker(seed)), 400))
    blocks = [{"type": "text", "text": one} for one in texts]
    return {"content": blocks, "structuredContent": {"rows": texts, "n": [1.10, 4e3, 12]}}


def _formed(maker: Maker, form: str, texts: list[str], secrets: list[str]) -> dict[str, Any]:
    def coded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    whole = "".join(texts)
    if form == "text":  # a megabyte
        filler = PROSE * ((MEGABYTE - len(whole)) // len(PROSE) // len(texts))
        return {"content": [{"type": "text", "text": "".join(filler + one for one in texts)}]}
    if form == "blocks":
        pieces = [""]
        for secret in secrets:
            at = maker.chance.randrange(1, len(secret))
            pieces[-1] += f" {secret[:at]}"
            pieces.append(f"{secret[at:]} ")
        return {"content": [{"type": "text", "text": one} for one in pieces]}
    if form == "structured":
        return {"content": [], "structuredContent": {"rows": [{"a": [one]} for one in texts]}}
    if form == "keys":
        return {"content": [], "structuredContent": dict.fromkeys(secrets, 1)}
    if form == "json in text":
        return {"content": [{"type": "text", "text": json.dumps({"rows": texts})}]}
    if form == "base64":
        return {"content": [{"type": "text", "text": " ".join(map(coded, texts))}]}
    uri = "numbers://open/x"
    if form == "resource":
        held = {"uri": uri, "mimeType": "application/octet-stream", "blob": coded(whole)}
        return {"content": [{"type": "resource", "resource": held}]}
    return {"contents": [{"uri": uri, "text": whole}, {"uri": uri, "blob": coded(whole)}]}
