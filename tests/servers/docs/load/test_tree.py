import os
from pathlib import Path

from mcp_docs.load.tree import MAX_FILE_BYTES, File, Skipped, files


def seen(root: Path) -> tuple[list[str], dict[str, str]]:
    found = list(files(root))
    return (
        [str(one.path) for one in found if isinstance(one, File)],
        {one.path: one.why for one in found if isinstance(one, Skipped)},
    )


def test_only_pages_are_read_and_hidden_folders_are_not(tmp_path: Path) -> None:
    for name in ("a.md", "b.rst", "c.HTML", "d.txt", ".git/e.md", ".f.md", "g/h.markdown"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert seen(tmp_path) == (["a.md", "b.rst", "c.HTML", "g/h.markdown"], {})


def test_nothing_outside_the_root_is_read_through_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file.md").symlink_to(outside / "secret.md")
    (root / "folder").symlink_to(outside)
    (root / "dangling.md").symlink_to("../nowhere.md")
    os.link(outside / "secret.md", root / "hard.md")
    assert seen(root) == (
        [],
        {
            "file.md": "it is a link",
            "folder": "it is a link",
            "dangling.md": "it is a link",
            "hard.md": "it has a second name (hard link)",
        },
    )


def test_a_pipe_does_not_hold_up_a_load(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    assert seen(tmp_path) == ([], {"pipe.md": "it is not a regular file"})


def test_a_huge_file_is_named_and_left(tmp_path: Path) -> None:
    with (tmp_path / "huge.md").open("wb") as file:
        file.truncate(50 * MAX_FILE_BYTES)
    assert "larger than" in seen(tmp_path)[1]["huge.md"]
