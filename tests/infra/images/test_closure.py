"""Which rooms and locked packages an image holds."""

from pathlib import Path

import pytest

from in_image import closure

ROOT = Path(__file__).parents[3]
LOCK = """anyio==4.16.0 \\
    --hash=sha256:aa
greenlet==3.3.0 ; platform_machine == 'x86_64' \\
    --hash=sha256:bb
Typing_Extensions==4.16.0 \\
    --hash=sha256:cc
two==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:dd
two==2.0 ; python_full_version >= '3.12' \\
    --hash=sha256:ee
bare==1.0
"""


def names(room: str) -> list[str]:
    return [f.relative_to(ROOT).as_posix() for f in closure.rooms(ROOT, ROOT / room)]


@pytest.mark.parametrize(
    ("room", "holds"),
    [
        ("gateway", ["shared", "gateway"]),
        ("servers/crm", ["shared", "servers/crm"]),
        ("infra/sandbox/crm-api", ["infra/postgres", "infra/sandbox/crm-api"]),
        ("infra/images", ["infra/images"]),
    ],
)
def test_a_room_brings_the_rooms_it_stands_on_and_no_other(room: str, holds: list[str]) -> None:
    assert names(room) == holds


def test_a_folder_that_is_no_room_is_refused_by_name() -> None:
    with pytest.raises(closure.ClosureError, match="tests is no room of the workspace"):
        closure.rooms(ROOT, ROOT / "tests")


def test_rooms_are_never_looked_for_on_an_index() -> None:
    """A stranger could publish a package of that name."""
    ours = set(closure.workspace(ROOT))
    assert "mcp-shared" in ours
    for room in closure.workspace(ROOT).values():
        asked = closure.requirements(ROOT, closure.rooms(ROOT, room))
        found = {closure.canonical(one.split(">")[0].split("=")[0].split("[")[0]) for one in asked}
        assert not found & ours


def test_an_entry_is_taken_whole_with_its_marker_and_hashes() -> None:
    chosen = closure.locked(LOCK, "greenlet==3.3.0\ntyping-extensions==4.16.0\n")
    assert chosen == (
        "greenlet==3.3.0 ; platform_machine == 'x86_64' \\\n    --hash=sha256:bb\n"
        "Typing_Extensions==4.16.0 \\\n    --hash=sha256:cc\n"
    )


def test_of_two_versions_the_resolved_one_is_taken() -> None:
    assert "dd" not in closure.locked(LOCK, "two==2.0\n")
    assert "ee" in closure.locked(LOCK, "two==2.0\n")


@pytest.mark.parametrize(
    ("resolved", "said"),
    [
        ("anyio==4.17.0\n", "anyio==4.17.0 is not in requirements.lock"),
        ("stranger==1.0\n", "stranger==1.0 is not in requirements.lock"),
        ("bare==1.0\n", "bare==1.0 has no hash"),
    ],
)
def test_what_the_lock_does_not_have_is_not_installed(resolved: str, said: str) -> None:
    with pytest.raises(closure.ClosureError, match=said):
        closure.locked(LOCK, resolved)
