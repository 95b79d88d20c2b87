"""Secrets in arguments, in every place and spelling, looked for wherever the ledger leaves bytes."""

import base64
import json
import logging
import random
import string
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.audit.conftest import Place
from gateway.audit.sealed import calling, checked

from mcp_gateway.audit import keys
from mcp_gateway.audit.exports.export import export
from mcp_gateway.audit.exports.file import sink
from mcp_gateway.audit.redaction import commitment, redact
from mcp_local import backup_tools
from mcp_local.postgres_home import unprivileged

PLAIN = "plain-marker-9c41"  # not a secret: what does not find it finds nothing
WORD = string.ascii_letters + string.digits


def drawn(chance: random.Random, size: int) -> str:
    return "".join(chance.choice(WORD) for _ in range(size))


def card(chance: random.Random) -> str:
    digits = "4" + "".join(str(chance.randrange(10)) for _ in range(14))
    doubled = [int(one) * (2 if at % 2 == 0 else 1) for at, one in enumerate(digits)]
    return digits + str(-sum(one - 9 if one > 9 else one for one in doubled) % 10)


def private_key() -> str:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode()


class Canaries:
    """Arguments with secrets in them, and the texts that must be found nowhere."""

    def __init__(self, seed: int = 7) -> None:
        chance = random.Random(seed)
        secrets = {
            "password": drawn(chance, 14), "pAssword": drawn(chance, 14),
            "client-secret": drawn(chance, 20), "ApiKey": drawn(chance, 24),
        }  # fmt: skip
        bearer, github, pan = drawn(chance, 32), f"ghp_{drawn(chance, 36)}", card(chance)
        jwt = f"eyJ{drawn(chance, 20)}.{drawn(chance, 40)}.{drawn(chance, 43)}"
        inner, left, pem = drawn(chance, 18), f"sk-{drawn(chance, 40)}", private_key()
        grouped = " ".join(pan[at : at + 4] for at in range(0, 16, 4))
        self.arguments: dict[str, Any] = {
            **secrets,
            "text": f"curl -H 'Authorization: Bearer {bearer}' it",
            "note": f"use {github}, please",
            "card": int(pan),
            "said": f"my card is {grouped}.",
            "deep": [{"list": [{"pAsSwOrD": secrets["password"][::-1]}]}],
            "pem": pem,
            "token_like": jwt,
            "encoded": base64.b64encode(f"password={inner}".encode()).decode(),
            "percent": quote(f"password={inner}!", safe=""),
            left: "a secret as a name",
            "random": drawn(chance, 48),
            "url": f"https://bob:{inner}@files.example/x",
            "fine": PLAIN,
        }
        body = "".join(pem.splitlines()[1:-1])
        self.texts = [
            *secrets.values(), secrets["password"][::-1], bearer, github, pan, grouped, body, jwt,
            inner, left, self.arguments["random"], self.arguments["encoded"],
        ]  # fmt: skip

    def found_in(self, data: bytes) -> list[str]:
        """Also as PostgreSQL's hexadecimal, and as JSON spells it."""
        return [
            text
            for text in self.texts
            for form in (
                text.encode(),
                text.encode().hex().encode(),
                json.dumps(text)[1:-1].encode(),
            )
            if form in data
        ]


def wal(folder: Path) -> Iterator[bytes]:
    listed = subprocess.run(
        ["/bin/sh", "-c", 'cat "$1"/pg_wal/0*', "sh", str(folder)],
        cwd="/", check=True, capture_output=True, **unprivileged(),
    )  # fmt: skip
    yield listed.stdout


@pytest.mark.parametrize("keep", ["redacted", "encrypted"])
async def test_L02_no_secret_of_a_call_is_in_the_database_its_log_or_an_export(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture, keep: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = Canaries()
    file = tmp_path / "day.jsonl"
    async with calling(place) as (_, calls):
        await calls.of("ana", f"c-{PLAIN}", canaries.arguments, keep=keep)
        assert (await checked(place)).sound
        [row] = await place.rows("SELECT seg_day, body FROM audit.record WHERE kind = 'intent'")
        [at] = await place.rows("SHOW data_directory")
        with sink(file) as out:
            await export(
                place.reader, out, since=row["seg_day"], until=row["seg_day"],
                trusted=keys.load_public(place.public),
            )  # fmt: skip
    dump = backup_tools.tool("pg_dump", place.admin)
    everywhere = {
        "body": bytes(row["body"]),
        "dump": dump.encode(),
        "write-ahead log": b"".join(wal(Path(at[0]))),
        "export": file.read_bytes(),
    }
    for where, data in everywhere.items():
        assert PLAIN.encode() in data or PLAIN.encode().hex().encode() in data, where
        assert not canaries.found_in(data), where
    assert not canaries.found_in(caplog.text.encode())


def test_what_is_left_out_can_be_shown_to_have_been_sent() -> None:
    canaries, salt = Canaries(), b"s" * 16
    kept = redact(canaries.arguments, salt=salt)
    assert kept.commitment == commitment(salt, "$", canaries.arguments)
    shown = kept.arguments["password"]
    assert shown["c"] == commitment(salt, "$.password", canaries.arguments["password"])
    assert kept.arguments["fine"] == PLAIN
    assert kept.left_out == len(canaries.arguments) - 1


def test_the_search_finds_every_canary_where_nothing_is_redacted() -> None:
    canaries = Canaries()
    unsafe = json.dumps(canaries.arguments).encode()
    missed = set(canaries.texts) - set(canaries.found_in(unsafe))
    # lines of a key are broken, and two lie in an encoding: each is looked for in the clear
    assert missed <= {"".join(canaries.arguments["pem"].splitlines()[1:-1])}
    hexed = unsafe.hex().encode()
    assert len(canaries.found_in(hexed)) >= len(canaries.texts) - 1
