"""Which files of the kit a clone has changed, and since which version."""

import pytest
from playbook.upgrade.conftest import Repository

from mcp_playbook.upgrade import kit_version
from mcp_playbook.upgrade.kit_changes import Change, kit_changes


def test_kit_files_that_were_changed_are_listed_and_yours_are_not(clone: Repository) -> None:
    clone.write(
        clone.replace("gateway/src/edge.txt", "size", "our size")
        | clone.replace("README.md", "two", "our two")
        | clone.replace("gateway/agents.yaml", "[read]", "[read, write]")
    )
    found = kit_changes(clone.folder)
    assert found.version is not None
    assert found.version.name == "v0.1.0"
    assert found.kit == (Change("gateway/src/edge.txt", "changed", "kit"),)
    assert found.shared == (Change("README.md", "changed", "shared"),)
    yours = {change.path for change in found.changes if change.owner == "yours"}
    assert yours == {"gateway/agents.yaml", "servers/billing/README.md"}


def test_an_untouched_clone_has_changed_nothing(clone: Repository) -> None:
    assert kit_changes(clone.folder).kit == ()


def test_a_folder_removed_as_a_whole_is_one_line(clone: Repository) -> None:
    clone.git.run("rm", "-r", "-q", "servers/docs")
    clone.commit({})
    found = kit_changes(clone.folder)
    assert found.removed == ("servers/docs",)
    assert found.kit == ()


def test_a_part_of_such_a_folder_is_a_change(clone: Repository) -> None:
    clone.commit({"servers/crm/src/reading.txt": None})
    assert kit_changes(clone.folder).kit == (
        Change("servers/crm/src/reading.txt", "removed", "kit"),
    )


def test_a_clones_own_version_tags_are_not_the_kits(clone: Repository) -> None:
    clone.git.run("tag", "v7.0.0")
    assert kit_version.of_clone(clone.git).name == "v0.1.0"


def test_without_tags_the_remote_tells(clone: Repository) -> None:
    clone.git.run("tag", "-d", "v0.1.0")
    found = kit_version.of_clone(clone.git)
    assert found.told_by == "remote kit"
    assert found.commit == clone.git.text("rev-parse", "HEAD~1")


def test_a_clone_that_cannot_tell_says_what_would_make_it_known(clone: Repository) -> None:
    clone.git.run("tag", "-d", "v0.1.0")
    clone.git.run("remote", "remove", "kit")
    found = kit_changes(clone.folder)
    assert found.version is None
    assert found.changes == ()
    for words in ("no tag v*", "git remote add kit", "make upgrade TO="):
        assert words in found.unknown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('version = "v0.1.0"\ncommit = "' + "0" * 40 + '"\n', "git fetch kit --tags"),
        ('version = "v0.1.0"\n', "does not say version and commit"),
        ("version = \n", "does not say version and commit"),
    ],
)
def test_a_record_that_leads_nowhere_is_said(clone: Repository, text: str, words: str) -> None:
    clone.write({kit_version.FILE: text})
    found = kit_changes(clone.folder)
    assert found.version is None
    assert words in found.unknown


def test_a_folder_that_is_no_repository_gets_an_answer_too(clone: Repository) -> None:
    outside = clone.folder.parent / "copied"
    (outside / "playbook").mkdir(parents=True)
    found = kit_changes(outside)
    assert found.version is None
    assert found.unknown


def test_a_kit_inside_a_larger_repository_is_no_clone(clone: Repository) -> None:
    inner = clone.folder / "gateway"
    assert "a folder of a larger repository" in kit_changes(inner).unknown
