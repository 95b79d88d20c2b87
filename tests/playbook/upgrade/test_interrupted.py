"""An upgrade that was cut off goes on where it stood, or says what to put back."""

import pytest
from playbook.upgrade.conftest import Release, Repository, upgrade

from mcp_playbook.upgrade import state
from mcp_playbook.upgrade.state import Upgrade


def moved(clone: Repository, before: str) -> Upgrade:
    """As it is left when the power goes right after the files have moved."""
    stands = Upgrade(
        to="v0.2.0", name="v0.2.0", before=before, after=clone.head, running=False, step="prepared"
    )
    state.write(clone.folder / ".run", stands)
    return stands


def test_after_the_files_have_moved_the_same_command_goes_on(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    before = clone.head
    assert upgrade("v0.2.0") == 0
    moved(clone, before)
    capsys.readouterr()
    assert upgrade("v0.2.0") == 0
    assert "Going on with v0.2.0" in capsys.readouterr().out
    assert state.read(clone.folder / ".run") is None


def test_another_version_waits_until_the_first_is_finished(
    kit: Repository, clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({})
    before = clone.head
    assert upgrade("v0.2.0") == 0
    moved(clone, before)
    kit.commit(kit.replace("pyproject.toml", "0.2.0", "0.3.0"), "v0.3.0")
    assert upgrade("v0.3.0") == 2
    assert "make upgrade TO=v0.2.0 goes on with it" in capsys.readouterr().err


def test_files_caught_while_they_moved_are_put_back_by_the_command_it_names(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    release({"gateway/src/edge.txt": "half\n"})
    before = clone.head
    clone.git.run("fetch", "-q", "kit", "--tags")
    after = clone.git.text("rev-parse", "v0.2.0")
    begun = Upgrade(to="v0.2.0", name="v0.2.0", before=before, after=after, running=False)
    state.write(clone.folder / ".run", begun)
    clone.write({"gateway/src/edge.txt": "half\n"})
    assert upgrade("v0.2.0") == 1
    assert f"git reset --hard {before[:10]}" in capsys.readouterr().err
    clone.git.run("reset", "-q", "--hard", before[:10])
    assert upgrade("v0.2.0") == 0


def test_who_went_back_may_begin_anew(clone: Repository, release: Release) -> None:
    release({"gateway/src/edge.txt": "sharp\n"})
    before = clone.head
    assert upgrade("v0.2.0") == 0
    moved(clone, before)
    clone.git.run("reset", "-q", "--keep", before)
    assert "sharp" not in clone.read("gateway/src/edge.txt")
    assert upgrade("v0.2.0") == 0
    assert clone.read("gateway/src/edge.txt") == "sharp\n"


def test_two_at_once_are_refused(
    clone: Repository, release: Release, capsys: pytest.CaptureFixture[str]
) -> None:
    from mcp_local.lock import held

    release({})
    (clone.folder / ".run").mkdir()
    with held(clone.folder / ".run" / "upgrade.lock"):
        assert upgrade("v0.2.0") == 1
    assert "upgrade.lock is held by pid" in capsys.readouterr().err
