"""An export bent in ways that no edit of a record is: its wrapping, its words about itself, time.

Beside `test_offline.py`. What an export says and nothing signs is named at the end.
"""

import contextlib
import gzip
import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import zstandard
from gateway.audit.conftest import Place
from gateway.audit.exports import exported, written
from gateway.audit.test_offline import ALONE, Lines, at, changed, checked, found, kept

from mcp_gateway.audit import keys
from mcp_gateway.audit.block import instant
from mcp_gateway.audit.chain import read_block
from mcp_gateway.audit.exports import lines as export_lines
from mcp_gateway.audit.offline.build import build
from mcp_gateway.audit.offline.checkpoints import signers
from mcp_gateway.audit.offline.cli import main
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.trust import UnusableError, load
from mcp_gateway.audit.offline.verify import verify
from mcp_gateway.audit.statements import statement
from mcp_gateway.audit.statements.tombstone import Tombstone

Body = dict[str, Any]
MORE = b'{"seq":27,"body":{"kind":"refusal","person":"ben"}}\n'
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress,
}  # fmt: skip


@pytest.mark.parametrize("form", COMPRESS)
async def test_what_is_compressed_behind_an_export_is_read_as_other_readers_read_it(
    place: Place, body: Body, tmp_path: Path, form: str
) -> None:
    """`zcat` and `zstd -dc` show every part of such a file."""
    await written(place, body)
    path = tmp_path / f"a.jsonl.{form}"
    await exported(place, path)
    whole = path.read_bytes()
    path.write_bytes(whole + COMPRESS[form](MORE))
    assert "MALFORMED" in found(checked(path, place))
    path.write_bytes(whole + b"and then some")
    assert "INCOMPLETE" in found(checked(path, place))


def with_ends_of_another_system(lines: Lines) -> None:
    lines[:] = [line.replace(b"\n", b"\r\n") for line in lines]


BYTES: dict[str, tuple[Callable[[Lines], Any], str]] = {
    "carriage returns": (with_ends_of_another_system, "MALFORMED"),
    "a line twice": (lambda ls: ls.insert(5, ls[5]), "ORDER"),
    "a segment twice": (lambda ls: ls.extend(ls[at(ls, '{"segment":') : -1]), "MALFORMED"),
    "no UTF-8": (lambda ls: ls.insert(5, b'{"seq":4,"body":{"a":"\xff"}}\n'), "ORDER"),
    "a mark of byte order": (lambda ls: ls.__setitem__(5, b"\xef\xbb\xbf" + ls[5]), "MALFORMED"),
    "a line without end": (lambda ls: ls.insert(5, b"9" * 2_000_000 + b"\n"), "INCOMPLETE"),
    "the end first": (lambda ls: ls.insert(1, ls[-1]), "MALFORMED"),
}


@pytest.mark.parametrize("bent", BYTES)
async def test_bytes_that_no_export_has_are_found(
    place: Place, body: Body, tmp_path: Path, bent: str
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    change, kind = BYTES[bent]
    changed(path, change, honest_end=False)
    assert kind in found(checked(path, place))


WEIRD: tuple[Any, ...] = (None, -1, 2**80, 1.5, "", "x", "\ud800", [], {}, [[]], True)
# of the first line, of keys and of a registration: nobody signed these
UNSIGNED = {
    "until", "made", "key", "ed25519", "opened", "login", "client", "ledger_export", "since",
    "checkpoint",
}  # fmt: skip


async def test_no_field_of_any_line_crashes_the_verifier_or_passes_unless_nothing_signs_it(
    place: Place, body: Body, tmp_path: Path
) -> None:
    await written(place, body, calls=4)
    folder, public = await kept(place, tmp_path)
    path = tmp_path / "a.jsonl"
    await exported(place, path, checkpoints=sorted(folder.glob("*/*")))
    lines = path.read_bytes().splitlines(keepends=True)
    signed_by, trust = signers(public), load(place.public)
    passed = set()
    firsts = {next(iter(json.loads(line))): i for i, line in reversed([*enumerate(lines)])}
    for i in firsts.values():
        said = json.loads(lines[i])
        for field in said:
            for value in WEIRD:
                bent = json.dumps(said | {field: value}, separators=(",", ":")).encode() + b"\n"

                def put(ls: Lines, i: int = i, bent: bytes = bent) -> None:
                    ls[i] = bent

                path.write_bytes(b"".join(lines))
                changed(path, put, honest_end="end" not in said)
                with contextlib.suppress(UnusableError):
                    if verify(str(path), trust, jobs=1, signers=signed_by)[0].sound:
                        passed.add(field)
    assert passed <= UNSIGNED


async def test_an_export_cannot_say_that_it_was_made_before_what_it_holds(
    place: Place, body: Body, tmp_path: Path
) -> None:
    """Else every open call would have been under way then."""
    async with place.opened() as ledger:
        await ledger.append("intent", body | {"ts": "2026-01-01T00:00:00+00:00"})
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    assert found(checked(path, place)) == ["OPEN-INTENT"]

    def made_earlier(lines: Lines) -> None:
        said = json.loads(lines[0])
        lines[0] = json.dumps(said | {"made": "2026-01-01T00:00:01+00:00"}).encode() + b"\n"

    changed(path, made_earlier)
    assert found(checked(path, place)) == ["CLOCK"]


async def test_a_receipt_is_held_against_the_export_and_its_call_named(
    place: Place, body: Body, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with place.opened() as ledger:
        mine = await ledger.append("outcome", body | {"rid": "mine"})
        other = await ledger.append("outcome", body | {"rid": "another", "person": "ben"})
    path, file = tmp_path / "a.jsonl", tmp_path / "receipt.json"
    await exported(place, path)
    whole, command = path.read_bytes(), [str(path), "--key", str(place.public)]

    def told(receipt: Any) -> tuple[int, str]:
        file.write_bytes(orjson.dumps(receipt))
        return main([*command, "--receipt", str(file)]), capsys.readouterr().out

    code, text = told(mine.receipt())
    assert (code, "receipt.json: outcome of call mine by ana: warehouse.get_metric" in text) == (
        0, True,
    )  # fmt: skip
    assert "call another by ben" in told(other.receipt())[1], "the receipt of another call"
    assert told(other.receipt() | {"seq": 2})[0] == 1
    del_last = at(whole.splitlines(keepends=True), '{"block":3,')
    changed(path, lambda ls: ls.__delitem__(slice(del_last, -1)))
    assert main(command) == 0, "a cut tail, without checkpoints"
    code, text = told(other.receipt())
    assert (code, "genuine, and its record is gone" in text) == (1, True)
    assert told(mine.receipt())[0] == 0


async def test_what_comes_through_a_pipe_is_verified_by_python_alone(
    place: Place, body: Body, tmp_path: Path
) -> None:
    """As `aws s3 cp s3://… - | python verify.pyz -` hands it over, with what lies beside it here."""
    await written(place, body)
    pyz, path = tmp_path / "verify.pyz", tmp_path / "a.jsonl.gz"
    build(pyz)
    await exported(place, path)

    def piped(data: bytes) -> subprocess.CompletedProcess[bytes]:
        command = [*ALONE, str(pyz), "-", "--key", str(place.public)]
        return subprocess.run(command, env={}, input=data, capture_output=True, check=False)

    whole = path.read_bytes()
    for data in (whole, gzip.decompress(whole)):
        done = piped(data)
        assert (done.returncode, b"OK  everything" in done.stdout) == (0, True), done.stderr
    for data in (whole[:-100], gzip.decompress(whole).replace(b'"ana"', b'"ben"', 1)):
        done = piped(data)
        assert (done.returncode, b"FAILED" in done.stdout) == (1, True), done.stderr


def ended(place: Place, at_: datetime) -> None:
    [name] = keys.load_public(place.public)
    with place.public.open("a") as file:
        file.write(f"# key {name} signs until {instant(at_)}\n")


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_replaced_key_signs_no_statement_after_its_time(
    place: Place, body: Body, tmp_path: Path, hours: int
) -> None:
    """Neither for the verifier of exports nor for the ledger's own."""
    await written(place, body)
    [last] = await place.rows("SELECT * FROM audit.block ORDER BY block DESC LIMIT 1")
    head = read_block(last["seg_day"], last["seg"], tuple(last)[2:]).hash()
    stone = Tombstone(last["seg_day"], last["seg"], 26, last["block"], head, bytes(32))
    text, signature = stone.sign(
        keys.load_private(place.key), at=datetime.now(UTC), export={}, names=("ana", "ben")
    )
    await place.sql("DELETE FROM audit.record", "DELETE FROM audit.block")
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    changed(path, lambda ls: ls.insert(1, export_lines.statement(text, signature)))
    ended(place, datetime.now(UTC) + timedelta(hours=hours))
    report = checked(path, place)
    assert found(report) == ([] if hours > 0 else ["STATEMENT", "SEGMENT-EMPTY"]), report.text()
    trusted = keys.load_public(place.public)
    if hours > 0:
        assert statement.read("tombstone", text, signature, trusted)["records"] == 26
    else:
        with pytest.raises(statement.StatementError, match="after it was replaced"):
            statement.read("tombstone", text, signature, trusted)


async def test_a_restore_that_knows_what_a_later_checkpoint_saw_excuses_nothing(
    place: Place, body: Body, tmp_path: Path
) -> None:
    """Whoever has a replaced key can sign one still, with a moment of its time."""
    await written(place, body)
    folder, public = await kept(place, tmp_path)
    [end] = await place.rows("SELECT * FROM audit.block WHERE block = 5")
    head = read_block(end["seg_day"], end["seg"], tuple(end)[2:]).hash().hex()
    await place.sql(
        "DELETE FROM audit.block WHERE block > 5", "DELETE FROM audit.record WHERE block > 5"
    )
    path = tmp_path / "a.jsonl"
    await exported(place, path, checkpoints=sorted(folder.glob("*/*")))
    whole = path.read_bytes()
    lost = {"day": str(end["seg_day"]), "segment": str(end["seg"]), "block": 5, "head": head}

    def explained(moment: datetime) -> Report:
        said = {"by": "ana", "at": instant(moment), "backup": "b-1", "taken": instant(moment)}
        text = statement.make(
            "restore", said | {"ends": [lost | {"seen": 7}]}, keys.load_private(place.key)
        )
        path.write_bytes(whole)
        changed(path, lambda ls: ls.insert(1, export_lines.statement(*text)))
        return verify(str(path), load(place.public), jobs=1, signers=signers(public))[0]

    now = datetime.now(UTC)
    assert found(explained(now)) == []
    assert found(explained(now - timedelta(hours=1))) == ["TRUNCATED"]


async def test_what_an_export_says_and_nothing_signs(
    place: Place, body: Body, tmp_path: Path
) -> None:
    """Which days it is of, and what the database said of a registration: ask for the days you need."""
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported(place, path)

    def other_words(lines: Lines) -> None:
        first = json.loads(lines[0])
        lines[0] = json.dumps(first | {"since": first["until"]}).encode() + b"\n"
        i = at(lines, '{"segment":')
        said = json.loads(lines[i]) | {"opened": "2020-01-01", "login": "x", "client": "::1"}
        lines[i] = json.dumps(said).encode() + b"\n"

    changed(path, other_words)
    assert checked(path, place).sound
