"""An export goes on the record, and what it contains is proved by that record."""

import asyncio
import contextlib
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from gateway.audit.conftest import Place
from gateway.audit.exports import exported, written
from gateway.audit.test_cli import audit

from mcp_gateway.audit import keys
from mcp_gateway.audit.exports import lines as export_lines
from mcp_gateway.audit.exports.export import recorded
from mcp_gateway.audit.exports.file import sink
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.offline import proof
from mcp_gateway.audit.offline.cli import main
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.trust import load
from mcp_gateway.audit.offline.verify import verify
from mcp_gateway.audit.reads import Reads


@contextlib.asynccontextmanager
async def on_record(place: Place) -> AsyncIterator[Reads]:
    ledger = await Ledger.open(place.writer, place.key, "auditor", insist_on_durability=False)
    try:
        yield Reads(ledger)
    finally:
        await ledger.aclose()


async def exported_and_recorded(place: Place, path: Path) -> None:
    today = datetime.now(UTC).date()
    async with on_record(place) as reads:
        await recorded(
            place.reader, path, reads, since=today - timedelta(days=1), until=today,
            trusted=keys.load_public(place.public),
        )  # fmt: skip


async def test_who_exported_what_is_on_the_record_before_and_after(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl.zst"
    await exported_and_recorded(place, path)
    rows = await place.rows(
        "SELECT reason, body FROM audit.record WHERE reason LIKE 'ledger_export%' ORDER BY seq"
    )
    assert [row["reason"] for row in rows] == ["ledger_export_begun", "ledger_exported"]
    begun, done = (orjson.loads(row["body"])["detail"] for row in rows)
    assert begun["by"] == done["by"]
    assert begun["until"] == datetime.now(UTC).date().isoformat()
    # the 26 of the calls, and the export's own: its segment opened, its beginning
    assert (done["records"], done["segments"]) == (28, 2)
    report, digest = verify(str(path), load(place.public), jobs=1)
    assert report.sound, report.text()
    assert digest == done["sha256"]


async def test_the_proof_tells_this_export_from_every_other(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    """Also from one whose tail was cut and whose last line was written anew."""
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported_and_recorded(place, path)
    trust = load(place.public)
    beside = proof.beside(str(path))
    assert beside is not None

    def checked(digest: str) -> Report:
        report = Report()
        assert beside is not None
        proof.check(beside, digest, trust, report)
        return report

    digest = verify(str(path), trust, jobs=1)[1]
    good = checked(digest)
    assert good.sound
    assert good.recorded.startswith("record ")
    assert not checked("0" * 64).sound
    said = orjson.loads(beside.read_bytes())
    receipt = said["receipt"]
    bent: Any
    for bent in (
        said | {"body": said["body"].replace(digest, "0" * 64)},
        said | {"receipt": receipt | {"seq": receipt["seq"] + 1}},
        said | {"receipt": receipt | {"head": {"text": "", "signature": ""}}},
        {},
        [],
    ):
        beside.write_bytes(orjson.dumps(bent))
        assert [f.kind for f in checked(digest).findings] == ["PROOF"]


async def test_a_receipt_is_checked_by_the_same_verifier(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    async with place.opened() as ledger:
        entries = await asyncio.gather(*(ledger.append("intent", body) for _ in range(5)))
    path, key = tmp_path / "receipt.json", ("--key", str(place.public))
    for entry in entries:
        path.write_bytes(orjson.dumps(entry.receipt()))
        assert main(["--receipt", str(path), *key]) == 0
    said = entries[2].receipt()
    bad: list[Any] = [said | {"leaf": said["path"][0]}, said | {"seq": said["seq"] + 1}, {}, []]
    for bent in bad:
        path.write_bytes(orjson.dumps(bent))
        assert main(["--receipt", str(path), *key]) == 1
    assert main(["--receipt", str(tmp_path / "none"), *key]) == 2


async def test_a_record_is_exported_as_the_bytes_that_were_signed(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    odd = {
        "rid": "r-9",
        "args": {"text": "Müller \u2028 \U0001f600 \x00", "n": 2**70, "x": "\ud800"},
    }
    async with place.opened() as ledger:
        await ledger.append("intent", body | odd)
        await ledger.append("outcome", body | {"rid": "r-9"})
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    assert verify(str(path), load(place.public), jobs=1)[0].sound
    lines = path.read_bytes().splitlines()
    bodies = [line.partition(b',"body":')[2][:-1] for line in lines if line[:6] == b'{"seq"']
    stored = await place.rows("SELECT body FROM audit.record ORDER BY seq")
    assert bodies == [row["body"] for row in stored]


@pytest.mark.parametrize("raw", [b"\\xff{", b'{"a":\n1}', b"[1]", b'{"\xff":1}'])
def test_a_body_that_is_no_line_of_json_is_exported_as_base64(raw: bytes) -> None:
    assert b"body64" in export_lines.record((7, raw))


async def test_what_the_database_holds_beyond_the_signed_is_exported_and_found(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    await place.sql(
        "INSERT INTO audit.record (seg_day, seg, seq, block, body) "
        "SELECT seg_day, seg, 999, 99, body FROM audit.record WHERE seq = 2",
        "INSERT INTO audit.record (seg_day, seg, seq, block, body) "
        "SELECT seg_day, gen_random_uuid(), 1, 1, body FROM audit.record WHERE seq = 2",
    )
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    kinds = {f.kind for f in verify(str(path), load(place.public), jobs=1)[0].findings}
    assert {"ORDER", "UNREGISTERED-SEGMENT", "BLOCK", "SEGMENT-EMPTY", "DUPLICATE"} == kinds


def test_a_failed_export_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    with pytest.raises(TypeError), sink(path) as out:  # noqa: PT012  what breaks is the second
        out.write(b"x" * 5_000_000)
        out.write(None)  # type: ignore[arg-type]
    assert list(tmp_path.glob("a.*")) == []


async def test_memory_does_not_grow_with_the_ledger(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    async with place.opened() as ledger:
        await ledger.append("intent", body)
    await place.sql(
        "INSERT INTO audit.record (seg_day, seg, seq, block, body) SELECT seg_day, seg, 3 + n, 9, "
        "convert_to('{\"a\":\"' || repeat('x', 2000) || '\"}', 'UTF8') "
        "FROM audit.record, generate_series(1, 20000) n WHERE seq = 2"
    )
    path = tmp_path / "a.jsonl.zst"
    tracemalloc.start()
    try:
        done = await exported(place, path)
        assert done.bytes > 40_000_000
        _, most = tracemalloc.get_traced_memory()
        assert most < 25_000_000
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        verify(str(path), load(place.public), jobs=1)
        assert tracemalloc.get_traced_memory()[1] - before < 25_000_000
    finally:
        tracemalloc.stop()


async def test_without_the_right_to_record_nothing_is_read_unless_asked_for(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl.gz"
    words = ("export", "--out", str(path), "--from", date(2026, 1, 1).isoformat())
    code, out = await audit(place, *words)
    assert (code, "--off-record" in out, path.exists()) == (2, True, False)
    code, out = await audit(place, *words, "--off-record")
    assert (code, "not on the record" in out) == (0, True), out
    assert not (tmp_path / "a.jsonl.gz.proof.json").exists()
    code, out = await audit(None, "verify", "--export", str(path), "--key", str(place.public))
    assert (code, "OK  everything in it" in out) == (0, True), out
    code, out = await audit(place, "export", "--out", str(tmp_path / "a.zip"), "--off-record")
    assert code == 2
