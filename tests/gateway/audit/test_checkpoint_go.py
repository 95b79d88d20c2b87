"""An independent reader of our checkpoints: Go's own notes and transparency logs."""

import shutil
import subprocess
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.entry import Entry, Leaf
from mcp_gateway.audit.checkpoints.key import Signer
from mcp_gateway.audit.checkpoints.tree import Tree

SOURCE = Path(__file__).parent / "note_in_go"
SECONDS = 120
GROWTH = (1, 1, 2, 3, 1, 8, 17)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if (go := shutil.which("go")) is None:
        pytest.skip("NOT CHECKED by another implementation: there is no Go here")
    program = tmp_path_factory.mktemp("go") / "reader"
    done = subprocess.run(
        [go, "build", "-o", str(program), "."], cwd=SOURCE, capture_output=True, text=True,
        timeout=SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"NOT CHECKED by another implementation: {done.stderr.strip()[-300:]}")
    return program


def written(tmp_path: Path) -> tuple[Path, Signer]:
    checkpoint_key.create(tmp_path)
    signer = checkpoint_key.signer(tmp_path, "ledger.larkfield.example/ledger")
    checkpoint_key.publish(signer.verifier, tmp_path / checkpoint_key.PUBLIC_NAME)
    place, tree = Directory(tmp_path / "witness"), Tree()
    for count in GROWTH:
        leaves = tuple(
            Leaf(date(2026, 11, 26), UUID(int=n), tree.size + 1, sha256(bytes([n])).digest())
            for n in range(count)
        )
        after = tree.grown(one.hash() for one in leaves)
        entry = Entry(tree, leaves, datetime.now(UTC), signer.note(after.size, after.root()))
        place.put(entry.name, entry.encoded())
        tree = after
    return tmp_path / "witness", signer


def read(reader: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    key = folder.with_name(checkpoint_key.PUBLIC_NAME)
    return subprocess.run(
        [str(reader), str(key), str(folder)], capture_output=True, text=True, timeout=SECONDS,
        check=False,
    )  # fmt: skip


def test_another_implementation_reads_every_note_root_and_growth(
    reader: Path, tmp_path: Path
) -> None:
    folder, _ = written(tmp_path)
    done = read(reader, folder)
    assert (done.stdout, done.stderr) == (f"{len(GROWTH)} checkpoints, {sum(GROWTH)} leaves\n", "")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [(" 5 ", " 6 ", "do not lead to its root"), ("\n7\n", "\n8\n", "no verifiable signatures|invalid")],
)  # fmt: skip
def test_another_implementation_refuses_what_was_altered(
    reader: Path, tmp_path: Path, was: str, becomes: str, said: str
) -> None:
    folder, _ = written(tmp_path)
    file = folder / f"00000000/{4:012d}"
    text = file.read_text("utf-8")
    assert was in text
    file.chmod(0o600)
    file.write_text(text.replace(was, becomes), "utf-8")
    done = read(reader, folder)
    assert done.returncode
    assert any(words in done.stderr for words in said.split("|")), done.stderr
