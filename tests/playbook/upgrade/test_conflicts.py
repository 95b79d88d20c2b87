"""Where both changed the same lines: whose side stays, and how a person goes on."""

import pytest
from playbook.upgrade.conftest import Release, Repository, upgrade
from playbook.upgrade.test_taking import TREE, worktrees


def test_a_file_that_is_yours_keeps_your_side(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.commit(clone.replace("gateway/gateway.yaml", "body_bytes: 2048", "body_bytes: 4096"))
    release(kit.replace("gateway/gateway.yaml", "body_bytes: 2048", "body_bytes: 8192"))
    assert upgrade("v0.2.0") == 0
    told = capsys.readouterr().out
    assert "your side stays, as they are yours\n  gateway/gateway.yaml" in told
    assert "body_bytes: 4096" in clone.read("gateway/gateway.yaml")
    assert "<<<" not in clone.read("gateway/gateway.yaml")


def test_where_lines_differ_both_changes_are_taken(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.commit(clone.replace("gateway/gateway.yaml", "body_bytes: 2048", "body_bytes: 4096"))
    release(kit.replace("gateway/gateway.yaml", "replicas: 2", "replicas: 3"))
    assert upgrade("v0.2.0") == 0
    assert "gateway.yaml: limits.replicas: 2 → 3" in capsys.readouterr().out
    text = clone.read("gateway/gateway.yaml")
    assert "body_bytes: 4096" in text
    assert "replicas: 3" in text


def test_a_conflict_in_a_kit_file_moves_nothing_and_is_solved_aside(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    before = clone.commit(clone.replace("gateway/src/edge.txt", "size", "our size"))
    release(kit.replace("gateway/src/edge.txt", "size", "the kit's size"))
    assert upgrade("v0.2.0", "--check") == 1
    assert worktrees(clone) == 1, "a check leaves nothing behind"
    capsys.readouterr()
    assert upgrade("v0.2.0") == 1
    told = capsys.readouterr()
    assert "changed  gateway/src/edge.txt" in told.out
    assert "Conflict in gateway/src/edge.txt, a kit file: both changed it." in told.out
    assert TREE in told.err
    assert "git worktree remove --force" in told.err
    assert clone.head == before
    assert not clone.git.dirt()
    assert "our size" in clone.read("gateway/src/edge.txt")

    aside = Repository(clone.folder / TREE)
    aside.git.run("add", "gateway/src/edge.txt")
    assert upgrade("v0.2.0") == 1
    assert "marks of the conflict are left in it" in capsys.readouterr().out
    aside.write({"gateway/src/edge.txt": "cap\nsize of both\nheaders\nbody\n"})
    aside.git.run("add", "gateway/src/edge.txt")
    assert upgrade("v0.2.0", "--check") == 0
    assert "size of both" in aside.read("gateway/src/edge.txt"), "a check leaves it where it is"
    assert upgrade("v0.2.0") == 0
    assert "size of both" in clone.read("gateway/src/edge.txt")
    assert clone.git.holds("HEAD", before)
    assert worktrees(clone) == 1


def test_a_shared_file_in_conflict_waits_for_a_person(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.commit(clone.replace("README.md", "two", "our two"))
    release(kit.replace("README.md", "two", "the kit's two"))
    assert upgrade("v0.2.0") == 1
    assert "Conflict in README.md, a shared file: both changed it." in capsys.readouterr().out


def test_a_file_of_yours_that_the_kit_removed_waits_for_a_person(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.commit(clone.replace("gateway/agents.yaml", "[read]", "[read, write]"))
    release({"gateway/agents.yaml": None})
    assert upgrade("v0.2.0") == 1
    assert "gateway/agents.yaml, a file of yours: you changed it, the kit removed it" in (
        capsys.readouterr().out
    )


def test_a_server_of_yours_with_the_name_of_a_new_one_waits_for_a_person(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({"servers/billing/README.md": "Billing, the kit's.\n"})
    assert upgrade("v0.2.0") == 1
    assert "servers/billing/README.md, a file of yours: both added it" in capsys.readouterr().out
    assert clone.read("servers/billing/README.md") == "Billing, ours.\n"


def test_a_merge_that_waits_is_not_mixed_with_another_version(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.commit(clone.replace("gateway/src/edge.txt", "size", "our size"))
    release(kit.replace("gateway/src/edge.txt", "size", "the kit's size"))
    assert upgrade("v0.2.0") == 1
    kit.commit(kit.replace("pyproject.toml", "0.2.0", "0.3.0"), "v0.3.0")
    capsys.readouterr()
    assert upgrade("v0.3.0") == 1
    assert "git worktree remove --force" in capsys.readouterr().err
