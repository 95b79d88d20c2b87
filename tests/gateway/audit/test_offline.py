"""An export in the hands of somebody who would like it to say something else."""

import gzip
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway.audit.conftest import Place
from gateway.audit.exports import exported, written

from mcp_gateway.audit import keys
from mcp_gateway.audit.block import instant
from mcp_gateway.audit.chain import read_block
from mcp_gateway.audit.checkpoints.entry import Entry, Leaf
from mcp_gateway.audit.checkpoints.key import Signer
from mcp_gateway.audit.checkpoints.tree import Tree
from mcp_gateway.audit.exports import lines as export_lines
from mcp_gateway.audit.offline import ed25519, heads, opening
from mcp_gateway.audit.offline.build import build
from mcp_gateway.audit.offline.checkpoints import signers
from mcp_gateway.audit.offline.cli import main
from mcp_gateway.audit.offline.reading import root
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.trust import UnusableError, load
from mcp_gateway.audit.offline.verify import verify
from mcp_gateway.audit.statements import statement
from mcp_gateway.audit.statements.tombstone import Tombstone

Lines = list[bytes]
ALONE = (sys.executable, "-I", "-S")  # no site-packages: Python and nothing else


def checked(path: Path, place: Place) -> Report:
    return verify(str(path), load(place.public), jobs=1)[0]


def found(report: Report) -> list[str]:
    return [finding.kind for finding in report.findings]


def changed(path: Path, change: Callable[[Lines], Any], *, honest_end: bool = True) -> None:
    """The lines edited, and the last one written anew as somebody careful would."""
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    if honest_end:
        lines[-1:] = []
        counts = {
            name: sum(line.startswith(b'{"%b":' % start) for line in lines)
            for name, start in (("segments", b"segment"), ("blocks", b"block"), ("records", b"seq"))
        }
        end = {"end": counts, "sha256": sha256(b"".join(lines)).hexdigest()}
        lines.append(json.dumps(end).encode() + b"\n")
    path.write_bytes(b"".join(lines))


def at(lines: Lines, start: str) -> int:
    return next(i for i, line in enumerate(lines) if line.startswith(start.encode()))


def replace(lines: Lines, start: str, old: bytes, new: bytes) -> None:
    place = at(lines, start)
    assert old in lines[place]
    lines[place] = lines[place].replace(old, new)


def swap(lines: Lines, one: int, two: int) -> None:
    lines[one], lines[two] = lines[two], lines[one]


def exchange_bodies(lines: Lines) -> None:
    one, two = at(lines, '{"seq":7,'), at(lines, '{"seq":8,')
    swap(lines, one, two)
    lines[one] = lines[one].replace(b'"seq":8', b'"seq":7')
    lines[two] = lines[two].replace(b'"seq":7', b'"seq":8')


def remove_block(lines: Lines) -> None:
    start = at(lines, '{"block":3,')
    end = at(lines, '{"block":4,')
    del lines[start:end]


def rewritten(lines: Lines, key: Ed25519PrivateKey | None) -> None:
    """Every head from block 3 on computed anew, signed with another key or not at all."""
    segment = json.loads(lines[at(lines, '{"segment":')])
    replace(lines, '{"seq":7,', b'"person":"ana"', b'"person":"ben"')
    prev = ""
    for i, line in enumerate(lines):
        if not line.startswith(b'{"block":'):
            continue
        said = json.loads(line)
        if said["block"] >= 3:
            lines_of = (
                lines[at(lines, f'{{"seq":{seq},')]
                for seq in range(said["first"], said["first"] + said["count"])
            )
            bodies = [one.partition(b',"body":')[2].rstrip()[:-1] for one in lines_of]
            leaves = [sha256(b"\0" + body).digest() for body in bodies]
            said |= {"root": root(leaves).hex(), "prev": prev}
            if key is not None:
                text = heads.read(said).text(segment["day"], segment["segment"])
                said["signature"] = b64encode(key.sign(text)).decode()
            lines[i] = json.dumps(said, separators=(",", ":")).encode() + b"\n"
        prev = heads.read(said).hash(segment["day"], segment["segment"])


def bend_signature(lines: Lines) -> None:
    place = at(lines, '{"block":3,')
    said = json.loads(lines[place])
    said["signature"] = "AAAA" + said["signature"][4:]
    lines[place] = json.dumps(said, separators=(",", ":")).encode() + b"\n"


EDITS: dict[str, tuple[Callable[[Lines], Any], str]] = {
    "a body": (lambda ls: replace(ls, '{"seq":7,', b'"ana"', b'"ben"'), "BLOCK"),
    "bodies exchanged": (exchange_bodies, "BLOCK"),
    "lines exchanged": (
        lambda ls: swap(ls, at(ls, '{"seq":7,'), at(ls, '{"seq":8,')),
        "ORDER",
    ),
    "a record twice": (lambda ls: ls.insert(at(ls, '{"seq":7,'), ls[at(ls, '{"seq":7,')]), "ORDER"),
    "a record left out": (lambda ls: ls.pop(at(ls, '{"seq":7,')), "GAP"),
    "a block left out": (remove_block, "GAP"),
    "only a block's head left out": (lambda ls: ls.pop(at(ls, '{"block":3,')), "ORDER"),
    "a signature": (bend_signature, "BLOCK"),
    "all recomputed": (lambda ls: rewritten(ls, None), "BLOCK"),
    "all signed with another key": (
        lambda ls: rewritten(ls, Ed25519PrivateKey.generate()),
        "BLOCK",
    ),
    "another replica": (lambda ls: replace(ls, '{"segment":', b"replica-1", b"replica-2"), "BODY"),
    "a segment without registration": (
        lambda ls: replace(ls, '{"segment":', b'"replica-1"', b"null"),
        "UNREGISTERED-SEGMENT",
    ),
}  # fmt: skip


async def test_an_untouched_export_is_sound(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    for name in ("a.jsonl.zst", "a.jsonl.gz", "a.jsonl"):
        done = await exported(place, tmp_path / name)
        report = checked(tmp_path / name, place)
        assert report.sound, report.text()
        assert (report.records, report.segments) == (done.records, 1) == (26, 1)
        assert "OK  everything in it is what was signed" in report.text()


@pytest.mark.parametrize("edit", [name for name, (_, kind) in EDITS.items() if kind])
async def test_an_edited_export_is_found_out(
    place: Place, body: dict[str, Any], tmp_path: Path, edit: str
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    change, kind = EDITS[edit]
    changed(path, change)
    report = checked(path, place)
    assert kind in found(report), report.text()
    assert "INCOMPLETE" not in found(report), "the last line was forged well"
    assert main([str(path), "--key", str(place.public)]) == 1


async def test_the_first_rewritten_block_is_named(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    changed(path, lambda lines: rewritten(lines, None))
    [finding] = checked(path, place).findings
    assert (finding.kind, finding.block) == ("BLOCK", 3)
    assert "rewritten" in finding.what


async def test_the_wrong_key_verifies_nothing(
    place: Place, body: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    other = tmp_path / "other"
    keys.create(other / keys.PRIVATE_NAME)
    assert main([str(path), "--key", str(other / keys.PUBLIC_NAME)]) == 1
    assert "which is not among the trusted keys" in capsys.readouterr().out
    (other / "empty.pub").write_text("")
    for wrong in ("none.pub", "empty.pub"):
        assert main([str(path), "--key", str(other / wrong)]) == 2


async def test_a_cut_file_says_so_wherever_it_is_cut(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"):
        path = tmp_path / name
        await exported(place, path)
        data = path.read_bytes()
        for share in (0.3, 0.6, 0.95):
            path.write_bytes(data[: int(len(data) * share)])
            try:
                kinds = found(checked(path, place))
            except UnusableError:  # so short that not even the first line is there
                kinds = ["INCOMPLETE"]
            assert "INCOMPLETE" in kinds, (name, share)


async def test_a_cut_tail_with_a_forged_end_is_not_seen_without_checkpoints(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    """So that nobody believes otherwise: the export's proof shows it, and a checkpoint."""
    await written(place, body)
    path = tmp_path / "a.jsonl"
    done = await exported(place, path)

    def cut_tail(lines: Lines) -> None:
        last = max(i for i, line in enumerate(lines) if line.startswith(b'{"block":'))
        del lines[last:-1]

    changed(path, cut_tail)
    report, digest = verify(str(path), load(place.public), jobs=1)
    assert report.sound
    assert digest != done.sha256


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"nonsense\n", "MALFORMED"), (b"[1]\n", "MALFORMED"), (b"\n", "MALFORMED"),
        (b'{"seq":x,"body":{}}\n', "MALFORMED"), (b'{"seq":1}\n', "MALFORMED"),
        (b'{"seq":99,"body64":"*"}\n', "MALFORMED"), (b'{"block":-1}\n', "MALFORMED"),
        (b'{"block":1,"first":1,"count":1000000000}\n', "MALFORMED"),
        (b'{"what":1}\n', "MALFORMED"), (b"[" * 100_000 + b"\n", "MALFORMED"),
        (b"9" * 6000 + b"\n", "MALFORMED"), (b"\xff\xfe\n", "MALFORMED"),
        (b'{"seq":2,"body":' + b"[" * 50_000 + b"}\n", "ORDER"),
    ],
)  # fmt: skip
async def test_a_malformed_line_is_a_finding_with_its_number(
    place: Place, body: dict[str, Any], tmp_path: Path, line: bytes, kind: str
) -> None:
    await written(place, body)
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    changed(path, lambda lines: lines.insert(at(lines, '{"block":2,'), line), honest_end=False)
    report = checked(path, place)
    assert kind in found(report), report.text()
    if kind == "MALFORMED":
        lines = path.read_bytes().splitlines(keepends=True)
        assert report.findings[0].line == lines.index(line) + 1


async def test_a_bomb_fills_no_memory_and_ends_the_reading(tmp_path: Path, place: Place) -> None:
    first = b'{"ledger_export":1,"since":"2026-01-01","until":"2026-01-01","made":"2026-01-01T00:00:00+00:00"}\n'
    one = zstandard.ZstdCompressor(level=19)
    for name, filling in (("line", b"0"), ("lines", b"\n"), ("records", b'{"seq":1,"body":{}}\n')):
        path = tmp_path / f"{name}.jsonl.zst"
        path.write_bytes(one.compress(first + filling * (64_000_000 // len(filling))))
        assert path.stat().st_size < 40_000
        report = checked(path, place)
        assert report.total <= 10_000
        assert not report.sound


async def test_the_file_that_is_no_export_is_called_that(tmp_path: Path, place: Place) -> None:
    path = tmp_path / "a.jsonl"
    for text in (b"", b"hello\n", b"{}\n", gzip.compress(b"")):
        path.write_bytes(text)
        assert main([str(path), "--key", str(place.public)]) in (1, 2)
    assert main([str(tmp_path / "none"), "--key", str(place.public)]) == 2


async def test_open_and_doubled_calls_are_listed(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    old = {"ts": "2026-01-01T00:00:00+00:00"}
    async with place.opened() as ledger:
        await ledger.append("intent", body | {"rid": "left"} | old)
        await ledger.append("intent", body | {"rid": "young"})
        for _ in range(2):
            await ledger.append("refusal", body | {"rid": "twice"})
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    report = checked(path, place)
    assert sorted(found(report)) == ["DUPLICATE", "OPEN-INTENT"]
    assert report.under_way == 1
    assert [call["rid"] for call in report.open] == ["left"]
    assert "open: call left of ana to warehouse.get_metric" in report.text()


async def test_workers_find_what_one_process_finds(
    place: Place, body: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(place, body, calls=40)
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    monkeypatch.setattr(opening, "PIECE_BYTES", 5_000)  # blocks and calls in several pieces
    trust = load(place.public)
    assert verify(str(path), trust, jobs=2)[0].sound
    changed(path, EDITS["a body"][0])
    assert found(verify(str(path), trust, jobs=2)[0]) == found(checked(path, place)) == ["BLOCK"]


async def test_it_verifies_where_there_is_only_python_and_the_verifier(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    pyz, path = tmp_path / "verify.pyz", tmp_path / "a.jsonl.gz"
    build(pyz)
    await exported(place, path)

    def alone(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*ALONE, str(pyz), *words], env={}, cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    key = ("--key", str(place.public))
    done = alone(str(path), *key)
    assert (done.returncode, "OK  everything" in done.stdout) == (0, True), done.stderr
    assert alone(str(path), *key, "--json").returncode == 0
    plain = tmp_path / "b.jsonl"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    changed(plain, EDITS["all signed with another key"][0])
    done = alone(str(plain), *key, "--jobs", "1")
    assert (done.returncode, "FAILED" in done.stdout) == (1, True), done.stderr
    if sys.version_info < (3, 14):
        await exported(place, tmp_path / "c.jsonl.zst")
        done = alone(str(tmp_path / "c.jsonl.zst"), *key)
        assert (done.returncode, "zstd -dc" in done.stderr) == (2, True)
    again = tmp_path / "again.pyz"
    build(again)
    assert again.read_bytes() == pyz.read_bytes(), "the same files, the same bytes"


def test_ed25519_without_a_library_is_that_of_rfc_8032() -> None:
    """Section 7.1, TEST 1 and TEST 2; then the library's signatures, whole and bent."""
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    assert ed25519.verify(public, signature, b"")
    key = Ed25519PrivateKey.generate()
    own, signed = key.public_key().public_bytes_raw(), key.sign(b"text")
    assert ed25519.verify(own, signed, b"text")
    for bent in (signed[:1] + bytes([signed[1] ^ 1]) + signed[2:], bytes(64), b"\xff" * 64, b""):
        assert not ed25519.verify(own, bent, b"text")
    assert not ed25519.verify(own, signed, b"texT")
    malleable = signed[:32] + (int.from_bytes(signed[32:], "little") + ed25519.ORDER).to_bytes(
        32, "little"
    )
    assert not ed25519.verify(own, malleable, b"text")


async def kept(place: Place, tmp_path: Path) -> tuple[Path, Path]:
    """Checkpoints of every third block, and the key that signed them."""
    folder, public = tmp_path / "kept", tmp_path / "checkpoint.pub"
    signer = Signer("ledger.example", Ed25519PrivateKey.generate())
    public.write_text(f"{signer.verifier}\n")
    before = Tree()
    for row in (await place.rows("SELECT * FROM audit.block ORDER BY block"))[::3]:
        block = read_block(row["seg_day"], row["seg"], tuple(row)[2:])
        leaf = Leaf(row["seg_day"], row["seg"], row["block"], block.hash())
        after = before.grown([leaf.hash()])
        note = signer.note(after.size, after.root())
        entry = Entry(before, (leaf,), datetime.now(UTC), note)
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.encoded())
        before = after
    return folder, public


async def test_checkpoints_show_what_blocks_cannot(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    """A cut tail and a segment left out, with an honest last line."""
    await written(place, body)
    folder, public = await kept(place, tmp_path)
    path = tmp_path / "a.jsonl"
    await exported(place, path, checkpoints=sorted(folder.glob("*/*")))
    signed_by, trust = signers(public), load(place.public)
    report = verify(str(path), trust, jobs=1, signers=signed_by)[0]
    assert report.sound, report.text()
    assert (report.checkpoints, "checkpoints say" in report.text()) == (3, True)

    def cut_tail(lines: Lines) -> None:
        del lines[at(lines, '{"block":6,') : -1]

    whole = path.read_bytes()
    changed(path, cut_tail)
    assert found(verify(str(path), trust, jobs=1, signers=signed_by)[0]) == ["TRUNCATED"]
    changed(path, lambda ls: ls.__delitem__(slice(at(ls, '{"segment":'), -1)))
    assert found(verify(str(path), trust, jobs=1, signers=signed_by)[0]) == ["SEGMENT-MISSING"]
    own = verify(str(path), trust, jobs=1, signers=signed_by, checkpoints=folder)[0]
    assert found(own) == ["SEGMENT-MISSING"], "also from the auditor's own copy"
    path.write_bytes(whole)
    changed(path, lambda ls: ls.pop(at(ls, '{"checkpoint":"00000000/000000000001"')))
    assert "CHECKPOINT" in found(verify(str(path), trust, jobs=1, signers=signed_by)[0])
    stranger = Signer("ledger.example", Ed25519PrivateKey.generate())
    public.write_text(f"{stranger.verifier}\n")
    path.write_bytes(whole)
    report = verify(str(path), trust, jobs=1, signers=signers(public))[0]
    assert set(found(report)) == {"CHECKPOINT"}


async def test_a_retired_segment_passes_with_its_tombstone_and_not_without(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    [last] = await place.rows("SELECT * FROM audit.block ORDER BY block DESC LIMIT 1")
    head = read_block(last["seg_day"], last["seg"], tuple(last)[2:]).hash()
    stone = Tombstone(last["seg_day"], last["seg"], 26, last["block"], head, bytes(32))
    signed = (keys.load_private(place.key), Ed25519PrivateKey.generate())
    texts = [
        stone.sign(key, at=datetime.now(UTC), export={}, names=("ana", "ben")) for key in signed
    ]
    await place.sql("DELETE FROM audit.record", "DELETE FROM audit.block")
    path = tmp_path / "a.jsonl"
    await exported(place, path)
    assert found(checked(path, place)) == ["SEGMENT-EMPTY"]
    lines = [export_lines.statement(*text) for text in texts]
    whole = path.read_bytes()
    changed(path, lambda ls: ls.insert(1, lines[0]))
    report = checked(path, place)
    assert (report.sound, report.retired) == (True, 1), report.text()
    path.write_bytes(whole)
    changed(path, lambda ls: ls.insert(1, lines[1]))
    assert found(checked(path, place)) == ["STATEMENT", "SEGMENT-EMPTY"]


async def test_a_restore_statement_explains_the_tail_it_names_and_no_other(
    place: Place, body: dict[str, Any], tmp_path: Path
) -> None:
    await written(place, body)
    folder, public = await kept(place, tmp_path)
    trust, signed_by = load(place.public), signers(public)
    [end] = await place.rows("SELECT * FROM audit.block WHERE block = 5")
    head = read_block(end["seg_day"], end["seg"], tuple(end)[2:]).hash().hex()
    await place.sql(
        "DELETE FROM audit.block WHERE block > 5", "DELETE FROM audit.record WHERE block > 5"
    )
    path = tmp_path / "a.jsonl"
    await exported(place, path, checkpoints=sorted(folder.glob("*/*")))
    whole = path.read_bytes()
    assert found(verify(str(path), trust, jobs=1, signers=signed_by)[0]) == ["TRUNCATED"]
    now = instant(datetime.now(UTC))
    for named, expected in ((head, []), ("0" * 64, ["TRUNCATED"])):
        lost = {
            "day": str(end["seg_day"]), "segment": str(end["seg"]), "block": 5, "head": named,
            "seen": 7,
        }  # fmt: skip
        said = {"by": "ana", "at": now, "backup": "b-1", "taken": "then", "ends": [lost]}
        text = statement.make("restore", said, keys.load_private(place.key))
        path.write_bytes(whole)
        changed(path, lambda ls, text=text: ls.insert(1, export_lines.statement(*text)))  # type: ignore[misc]
        report = verify(str(path), trust, jobs=1, signers=signed_by)[0]
        assert found(report) == expected, report.text()
        assert f"RESTORED  {now} by ana from b-1" in report.text()
