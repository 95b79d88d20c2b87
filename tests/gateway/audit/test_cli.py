"""The auditor's command line, run as a command."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from gateway.audit.conftest import READER, WRITER, Place

from mcp_gateway.audit import keys
from mcp_gateway.audit.cli import printable


async def audit(place: Place | None, *words: str, **more: str) -> tuple[int, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    if place is not None:
        env |= {
            "GATEWAY_LEDGER_READER_URL": place.reader,
            "GATEWAY_KEYS": str(place.key.parent),
        }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "mcp_gateway.audit", *words,
        env=env | more, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def written(place: Place, body: dict[str, Any]) -> list[dict[str, Any]]:
    async with place.opened() as ledger:
        entries = [await ledger.append(kind, body) for kind in ("intent", "outcome")]
        denied = {"rid": "r-2", "person": "dee", "decision": "deny", "reason": "no_role"}
        entries.append(await ledger.append("refusal", body | denied))
    return [entry.receipt() for entry in entries]


async def test_from_an_empty_database_to_a_verified_ledger(
    database: str, tmp_path: Path, postgres_server: Any, body: dict[str, Any]
) -> None:
    name = database.rsplit("/", 1)[1]
    place = Place(
        database,
        postgres_server.url(name, "audit_writer", WRITER),
        postgres_server.url(name, "audit_reader", READER),
        tmp_path / "keys" / keys.PRIVATE_NAME,
    )
    admin = {
        "LEDGER_ADMIN_URL": database,
        "LEDGER_WRITER_PASSWORD": WRITER,
        "LEDGER_READER_PASSWORD": READER,
    }
    for _ in range(2):
        assert await audit(place, "migrate", **admin) == (
            0,
            "the ledger's roles and schema are up to date\n",
        )
    assert (await audit(place, "keygen"))[1].startswith("made: ")
    assert (await audit(place, "keygen"))[1].startswith("already there: ")
    await written(place, body)
    code, out = await audit(place, "verify")
    assert code == 0
    assert "5 records, 5 blocks, 1 segments verified" in out
    assert "OK  everything stored is what was signed" in out
    assert "not covered without checkpoints" in out
    writer = await asyncpg.connect(place.writer)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.execute("CREATE TEMP TABLE mine (x int)")
    await writer.close()


async def test_a_touched_ledger_fails_loudly_and_says_what_to_do(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    await place.sql("UPDATE audit.record SET person = 'ben' WHERE seq = 2")
    code, out = await audit(place, "verify")
    assert code == 1
    assert "FAILED  1 finding; the first:" in out
    assert "PROJECTION" in out
    assert "What to do: stop changing this database" in out
    code, out = await audit(place, "verify", "--json")
    assert code == 1
    report = orjson.loads(out)
    assert (report["sound"], report["found"]) == (False, 1)
    assert report["findings"][0]["kind"] == "PROJECTION"
    assert report["findings"][0]["seq"] == 2


async def test_a_receipt_is_checked_with_and_without_the_ledger(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "receipt.json"
    file.write_bytes(orjson.dumps((await written(place, body))[1]))
    code, out = await audit(place, "verify", "--receipt", str(file))
    assert (code, "still holds it" in out) == (0, True)
    assert "outcome of call r-1 by ana: warehouse.get_metric" in out
    alone = {"GATEWAY_KEYS": str(place.key.parent)}
    code, out = await audit(None, "verify", "--receipt", str(file), **alone)
    assert (code, "was not asked" in out) == (0, True)
    await place.sql("DELETE FROM audit.record WHERE seq = 3")
    code, out = await audit(place, "verify", "--receipt", str(file))
    assert (code, "RECEIPT-TRUNCATED" in out) == (1, True)
    file.write_text("{}")
    code, out = await audit(place, "verify", "--receipt", str(file), "--json")
    assert (code, orjson.loads(out)["finding"]["kind"]) == (1, "RECEIPT-INVALID")


async def test_records_are_shown_newest_last_and_filtered(
    place: Place, body: dict[str, Any]
) -> None:
    await written(place, body)
    code, out = await audit(place, "show", "--person", "ana")
    assert code == 0
    first, second = out.splitlines()
    assert "intent  ana  desk  warehouse.get_metric  allow  ok" in first
    assert "outcome" in second
    _, out = await audit(place, "show", "--decision", "deny", "--json")
    [row] = orjson.loads(out)
    assert (row["person"], row["reason"]) == ("dee", "no_role")
    _, out = await audit(place, "show", "--tool", "get_metric", "--limit", "1")
    assert len(out.splitlines()) == 1


async def test_stats_count_what_is_there(place: Place, body: dict[str, Any]) -> None:
    await written(place, body)
    code, out = await audit(place, "stats")
    assert code == 0
    assert "5 records in 5 signed blocks, 1 segments" in out
    assert "refusal deny ok" in out
    assert orjson.loads((await audit(place, "stats", "--json"))[1])["records"] == 5


async def test_an_empty_ledger_is_shown_as_empty(place: Place) -> None:
    assert (await audit(place, "verify"))[0] == 0
    assert await audit(place, "show") == (0, "")
    assert (await audit(place, "stats"))[0] == 0


async def test_a_record_cannot_steer_the_terminal(place: Place, body: dict[str, Any]) -> None:
    nasty = "a\x1b[2J\r\n\u202eb\u2028c\x9bd"
    async with place.opened() as ledger:
        await ledger.append("intent", body | {"person": nasty, "tool": nasty, "agent": nasty})
    code, out = await audit(place, "show")
    assert code == 0
    assert len(out.splitlines()) == 3  # opened and closed are records, too
    assert not set("\x1b\r\u202e\u2028\x9b") & set(out)
    assert printable("naïve 日本 ✓") == "naïve 日本 ✓"


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["verify"], "GATEWAY_KEYS"),
        (["show"], "GATEWAY_LEDGER_READER_URL"),
        (["migrate"], "LEDGER_ADMIN_URL"),
        (["keygen"], "GATEWAY_KEYS"),
    ],
)
async def test_a_missing_setting_is_named(words: list[str], missing: str) -> None:
    code, out = await audit(None, *words)
    assert code == 2
    assert missing in out
    assert "Traceback" not in out


async def test_a_ledger_that_cannot_be_reached_is_not_called_sound(
    place: Place, tmp_path: Path
) -> None:
    wrong = {"GATEWAY_LEDGER_READER_URL": place.reader.replace(READER, "wrong")}
    code, out = await audit(place, "verify", **wrong)
    assert code == 2
    assert "cannot be read" in out
    code, out = await audit(place, "verify", GATEWAY_KEYS=str(tmp_path / "none"))
    assert (code, "never from the database" in out) == (2, True)
    code, out = await audit(place, "show", "--limit", "0")
    assert (code, "--limit" in out) == (2, True)
