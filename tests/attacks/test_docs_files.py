"""D01, D02: names that lead out of the knowledge base, and files that lead out of its folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from servers.docs.reading import Knowledge, session, text, write

from mcp_docs.load.tree import File, Skipped, files

OUT = [
    "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%252f..%252fetc",
    "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "..\\..\\etc\\passwd", "..%5c..%5cetc", "/etc/passwd",
    "//etc/passwd", "file:///etc/passwd", "file://localhost/etc/passwd", "docs://../etc/passwd",
    "policies/../../etc/passwd", "policies/./refund-policy", "policies//refund-policy",
    "policies/refund-policy/", "policies/refund-policy.md", "policies/refund-policy%00.md",
    "policies/refund-policy\x00", "policies/refund-policy\n", " policies/refund-policy",
    "POLICIES/REFUND-POLICY", "policies\uff0frefund-policy", "policies\u2215refund-policy",
    "policies/refund\u00adpolicy", "policies/refund-policy\u200b", "~/.ssh/id_rsa", "C:\\windows\\win.ini",
    "/proc/self/environ", "\\\\host\\share\\x", "handbook-evil/../policies/refund-policy",
]  # fmt: skip
LONG = ["x" * 4096, "../" * 1365, "policies/refund-policy" + "/." * 2000]

_opened: list[str] | None = None


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event in {"open", "os.listdir", "os.scandir"}:
        _opened.append(str(arguments[0]))


sys.addaudithook(_hear)  # stays for the process, and hears nothing outside of `opening`


@contextmanager
def opening() -> Iterator[list[str]]:
    """Every file and folder that this process opens meanwhile."""
    global _opened  # noqa: PLW0603  a hook cannot be taken off again
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


async def test_D01_no_name_leads_out_or_reads_otherwise_than_one_that_is_not_there(
    handbook: Knowledge,
) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        assert not (await docs.call_tool("read_doc", {"doc_id": "policies/refund-policy"})).is_error
        nothing = await docs.call_tool("read_doc", {"doc_id": "policies/no-such-page"})
        with opening() as opened:
            for name in OUT:
                answer = await docs.call_tool("read_doc", {"doc_id": name})
                assert answer.model_dump() == nothing.model_dump(), name
                with pytest.raises(MCPError) as refused:
                    await docs.read_resource(name if "://" in name else f"docs://{name}")
                assert refused.value.error.message == (
                    "There is no such page, or none you may read."
                )
                found = await docs.call_tool("search_docs", {"query": "refund", "collection": name})
                assert found.is_error
            for name in LONG:
                answer = await docs.call_tool("read_doc", {"doc_id": name})
                assert "1 to 200 characters" in text(answer)
                assert name not in text(answer)
        assert not [path for path in opened if "passwd" in path or "handbook" in path]


def test_D01_the_ear_of_this_test_hears() -> None:
    with opening() as opened:
        Path("/etc/passwd").read_text("utf-8")
    assert opened == ["/etc/passwd"]


async def test_D01_a_file_cannot_name_itself_into_another_place(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """Neither by its own name nor by what its head says."""
    write(tmp_path, "a/x..%2f..%2fb.md", "One.")
    write(tmp_path, "a/!.md", "Two.")
    write(tmp_path, "a/b\\..\\c.md", "Three.")
    write(tmp_path, "top.md", "Four.", collection="'../../finance'")
    write(tmp_path, "a/moved.md", "Five.", collection="finance")
    report = await knowledge.load(tmp_path)
    rows = await knowledge.rows("SELECT doc_id FROM docs.page ORDER BY 1")
    assert [row["doc_id"] for row in rows] == ["a/b-..-c", "a/x..-2f..-2fb", "finance/top"]
    assert {one.path for one in report.skipped} == {"a/!.md", "a/moved.md"}


def taken(root: Path) -> tuple[list[str], dict[str, str]]:
    found = list(files(root))
    return (
        [str(one.path) for one in found if isinstance(one, File)],
        {one.path: one.why for one in found if isinstance(one, Skipped)},
    )


def folders(tmp_path: Path) -> tuple[Path, Path]:
    outside, root = tmp_path / "root-of-others", tmp_path / "root"
    for folder in (outside, root / "a", root / "b"):
        folder.mkdir(parents=True)
    (outside / "secret.md").write_text("secret")
    (root / "a" / "one.md").write_text("one")
    (root / "a" / "two.md").write_text("two")
    (root / "b" / "three.md").write_text("three")
    return outside, root


def test_D02_links_of_every_kind_are_refused_and_named(tmp_path: Path) -> None:
    outside, root = folders(tmp_path)
    (root / "a" / "file.md").symlink_to(outside / "secret.md")
    (root / "a" / "within.md").symlink_to("one.md")
    (root / "a" / "chain.md").symlink_to("file.md")
    (root / "a" / "loop.md").symlink_to("loop.md")
    (root / "folder").symlink_to(outside)
    (root / "up").symlink_to("..")
    os.link(outside / "secret.md", root / "a" / "hard.md")
    (root / "a" / "fd.md").symlink_to("/proc/self/fd/0")
    kept, refused = taken(root)
    assert kept == ["a/one.md", "a/two.md", "b/three.md"]
    assert set(refused) == {
        "a/file.md", "a/within.md", "a/chain.md", "a/loop.md", "a/hard.md", "a/fd.md", "folder", "up",
    }  # fmt: skip
    assert refused["a/hard.md"] == "it has a second name (hard link)"


def test_D02_a_file_that_becomes_a_link_while_the_loader_runs_is_refused(tmp_path: Path) -> None:
    outside, root = folders(tmp_path)
    walk = files(root)
    first = next(walk)
    assert isinstance(first, File)
    assert str(first.path) == "a/one.md"
    # the loader has read the folder's names, and has not come to this one
    (root / "a" / "two.md").unlink()
    (root / "a" / "two.md").symlink_to(outside / "secret.md")
    rest = list(walk)
    assert rest[0] == Skipped("a/two.md", "it is a link")
    assert b"secret" not in b"".join(one.content for one in rest if isinstance(one, File))


@pytest.mark.parametrize("moved", ["b", "a"])
def test_D02_a_folder_that_becomes_a_link_while_the_loader_runs_leads_nowhere(
    tmp_path: Path, moved: str
) -> None:
    """One it has yet to enter, and the one it is in: this it holds open."""
    outside, root = folders(tmp_path)
    (outside / "two.md").write_text("secret")
    walk = files(root)
    next(walk)
    (root / moved).rename(tmp_path / "aside")
    (root / moved).symlink_to(outside)
    contents = [one.content for one in walk if isinstance(one, File)]
    assert contents == ([b"two"] if moved == "b" else [b"two", b"three"])


async def test_D02_what_was_refused_is_nowhere_in_the_knowledge_base(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    outside, root = folders(tmp_path)
    write(outside, "secret.md", "Zirconium.")
    (root / "a" / "file.md").symlink_to(outside / "secret.md")
    os.link(outside / "secret.md", root / "a" / "hard.md")
    write(root, "a/four.md", "Bearing.")
    report = await knowledge.load(root, groups=("everyone",))
    assert report.added == 4
    async with session(knowledge.reader_url) as docs:
        assert (await docs.call_tool("search_docs", {"query": "zirconium"})).is_error
