"""Taking a version: what is looked at before, what moves, what stays a clone's own."""

import json

import pytest
from playbook.upgrade.conftest import Release, Repository, upgrade

from mcp_playbook.upgrade import kit_version
from mcp_playbook.upgrade.git import Git

TREE = ".run/upgrade/tree"


def worktrees(clone: Repository) -> int:
    return clone.git.text("worktree", "list", "--porcelain").count("worktree ")


def test_a_check_says_what_would_happen_and_moves_nothing(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({
        "gateway/src/edge.txt": "cap\nsize\nheaders\nbody\nlast\n",
        "servers/docs/src/mcp_docs/migrations/001_first.sql": "SELECT 1, 2;\n",
        "servers/docs/src/mcp_docs/migrations/004_more.sql": "SELECT 1;\n",
        "infra/postgres/warehouse/010_roles.sql": "SELECT 1;\n",
    })  # fmt: skip
    before = clone.head
    assert upgrade("v0.2.0", "--check") == 0
    told = capsys.readouterr().out
    assert "v0.2.0" in told
    assert "into a clone of v0.1.0" in told
    assert "- Edges are sharper." in told
    assert "The first version" not in told
    docs = "servers/docs/src/mcp_docs/migrations"
    assert f"new      {docs}/004_more.sql\n" in told
    assert f"changed  {docs}/001_first.sql  (numbered: where it was applied" in told
    assert "infra/postgres/warehouse/010_roles.sql  (the sample's warehouse is built anew)" in told
    assert "Kit files changed here since v0.1.0" in told
    assert "To take it: make upgrade TO=v0.2.0" in told
    assert clone.head == before
    assert not clone.git.dirt()
    assert worktrees(clone) == 1


def test_a_version_is_taken_as_one_merge_and_recorded(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = release({"gateway/src/edge.txt": "cap\nsize\nheaders\nbody\nlast\n"})
    before = clone.head
    assert upgrade("v0.2.0") == 0
    assert clone.git.text("show", "-s", "--format=%P").split() == [before, taken]
    assert clone.git.branch() == "main"
    assert clone.read("gateway/src/edge.txt").endswith("last\n")
    assert clone.read("servers/billing/README.md") == "Billing, ours.\n"
    recorded = kit_version.of_clone(clone.git)
    assert (recorded.name, recorded.commit) == ("v0.2.0", taken)
    assert not clone.git.dirt()
    assert worktrees(clone) == 1
    report = json.loads(clone.read(f".run/upgrade/{clone.head[:10]}.json"))
    assert report["step"] == "done"
    after = clone.head
    capsys.readouterr()
    assert upgrade("v0.2.0") == 0
    assert "nothing to take" in capsys.readouterr().out
    assert upgrade("v0.1.0") == 0, "an older version is not taken over a newer one"
    assert clone.head == after


def test_a_work_tree_with_changes_is_refused(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    before = clone.head
    clone.write({"README.md": "changed\n"})
    assert upgrade("v0.2.0") == 1
    assert "Not committed: README.md" in capsys.readouterr().out
    assert clone.head == before
    assert clone.read("README.md") == "changed\n"


def test_a_merge_under_way_is_refused(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({"README.md": "the kit's\n"})
    clone.commit({"README.md": "ours\n"})
    clone.git.run("fetch", "-q", "kit", "--tags")
    clone.git.run("merge", "v0.2.0", ok=(1,))
    assert upgrade("v0.2.0") == 1
    assert "a merge is under way" in capsys.readouterr().out
    assert clone.git.commit("MERGE_HEAD") is not None, "and it is left alone"


def test_a_head_on_no_branch_is_refused(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    clone.git.run("checkout", "-q", "--detach")
    assert upgrade("v0.2.0") == 1
    assert "on no branch" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["v9.9.9", "", "no/such", "--upload-pack=touch"])
def test_a_version_that_nobody_has_is_a_mistake_in_the_call(
    clone: Repository, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert upgrade("--check", "--", name) == 2
    assert "Versions here: v0.1.0." in capsys.readouterr().err
    assert worktrees(clone) == 1


def test_without_a_remote_called_kit_it_says_how_to_get_one(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    clone.git.run("remote", "rename", "kit", "origin")
    assert upgrade("v0.2.0") == 2
    assert "git remote add kit" in capsys.readouterr().err


def test_untracked_files_in_the_way_are_named_before_anything_moves(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({"shared/src/new.txt": "the kit's\n"})
    clone.write({"shared/src/new.txt": "mine\n"})
    assert upgrade("v0.2.0") == 1
    assert (
        "Untracked files where that version has its own: shared/src/new.txt"
        in capsys.readouterr().out
    )
    assert clone.read("shared/src/new.txt") == "mine\n"


def test_rights_that_change_are_taken_only_by_their_policy_version(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({"servers/crm/policy.yaml": "tools:\n  get_account: {roles: [sales, support]}\n"})
    before = clone.head
    assert upgrade("v0.2.0") == 1
    told = capsys.readouterr()
    assert "crm tool get_account: roles [sales] → [sales, support]" in told.out
    version = told.err.rpartition("RIGHTS=")[2].strip()
    assert len(version) == 12
    assert upgrade("v0.2.0", "--rights", "0" * 12) == 1
    assert clone.head == before
    assert upgrade("v0.2.0", "--rights", version) == 0
    assert "support" in clone.read("servers/crm/policy.yaml")


def test_a_version_that_cannot_read_what_is_yours_is_refused(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({"servers/crm/policy.yaml": "tools:\n  get_account: {roles: []}\n"})
    assert upgrade("v0.2.0", "--check") == 1
    assert "cannot read these files" in capsys.readouterr().out


def test_what_the_clone_removed_as_a_whole_stays_away(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    clone.git.run("rm", "-r", "-q", "servers/docs")
    clone.commit({})
    release({"servers/docs/src/ranking.txt": "better\n", "servers/docs/src/new.txt": "new\n"})
    assert upgrade("v0.2.0") == 0
    assert "servers/docs" in capsys.readouterr().out
    assert clone.git.below("HEAD", "servers/docs") == []


def test_a_clone_without_the_kits_history_names_the_version_it_was_made_from(
    kit: Repository, release: Release, clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """A repository made from a template, or from a copied folder, starts with one commit."""
    clone.git.run("checkout", "-q", "--orphan", "made")
    clone.commit(clone.replace("README.md", "two", "our two"))
    clone.git.run("branch", "-q", "-D", "main")
    release(kit.replace("gateway/src/edge.txt", "body", "sharper body"))
    assert upgrade("v0.2.0") == 1
    assert "FROM=v0.1.0" in capsys.readouterr().out
    assert upgrade("v0.2.0", "--from", "v0.1.0") == 0
    assert "sharper body" in clone.read("gateway/src/edge.txt")
    assert "our two" in clone.read("README.md")
    assert kit_version.of_clone(Git(clone.folder)).name == "v0.2.0"


def test_the_version_a_clone_is_from_can_be_recorded_alone(
    clone: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upgrade("v0.1.0") == 0
    assert "Recorded in playbook/kit-version.toml" in capsys.readouterr().out
    assert kit_version.of_clone(clone.git).told_by == kit_version.FILE


def test_a_server_outside_the_clone_is_compared_where_it_lies(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    elsewhere = Repository(clone.folder.parent / "elsewhere" / "numbers")
    elsewhere.write({
        "policy.yaml": "tools:\n  add: {roles: [sales]}\n",
        "tools.lock.json": '{"tools": [], "prompts": []}\n',
    })  # fmt: skip
    clone.commit(clone.replace("gateway/gateway.yaml", "[crm]", "[crm, ../elsewhere/numbers]"))
    assert upgrade("v0.2.0", "--check") == 0
    assert "No right and no limit of the policy changes" in capsys.readouterr().out


def test_what_git_says_of_a_tags_signature_is_shown(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    kit.git.run("tag", "-f", "-a", "-m", "Second", "v0.2.0")
    assert upgrade("v0.2.0", "--check") == 0
    assert "Its signature: not verified: " in capsys.readouterr().out
