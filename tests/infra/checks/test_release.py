"""A tag, the files that say the version, and the changelog agree, or nothing is published."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infra_checks import release
from infra_checks.release import NotReleasableError, notes, section

ROOT = Path(__file__).parents[3]
CHANGELOG = """\
# Changelog

## Unreleased

- Not yet.

## 0.2.0 - 2026-12-01

### Added
- Edges are sharper.

## [0.1.0]

- The first version.
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The real files that say the version, as if 0.2.0 were ready."""
    for name in ("pyproject.toml", *release.PLACES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace('"0.1.0"', '"0.2.0"'))
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_the_notes_of_a_version_are_its_section_of_the_changelog(clone: Path) -> None:
    assert notes(clone, "v0.2.0") == "### Added\n- Edges are sharper."
    assert section(CHANGELOG, "0.1.0") == "- The first version."


@pytest.mark.parametrize("tag", ["0.2.0", "v0.2", "v0.2.0-rc1", "vv0.2.0", "v0.2.0\n"])
def test_a_tag_that_is_no_version_is_refused(clone: Path, tag: str) -> None:
    with pytest.raises(NotReleasableError, match="three numbers"):
        notes(clone, tag)


@pytest.mark.parametrize("name", ["pyproject.toml", *release.PLACES])
def test_a_file_that_says_another_version_is_named(clone: Path, name: str) -> None:
    shutil.copy(ROOT / name, clone / name)
    with pytest.raises(NotReleasableError) as told:
        notes(clone, "v0.2.0")
    assert str(told.value) == f"{name}: says 0.1.0, not 0.2.0"


def test_a_version_without_words_is_refused(clone: Path) -> None:
    (clone / "CHANGELOG.md").write_text(CHANGELOG.replace("### Added\n- Edges are sharper.\n", ""))
    with pytest.raises(NotReleasableError, match=r"CHANGELOG\.md: has no section 0\.2\.0"):
        notes(clone, "v0.2.0")


def test_everything_that_disagrees_is_told_at_once(clone: Path) -> None:
    with pytest.raises(NotReleasableError) as told:
        notes(clone, "v0.3.0")
    assert len(str(told.value).splitlines()) == 2 + len(release.PLACES)


def test_it_runs_before_anything_is_installed(clone: Path) -> None:
    script = ROOT / "infra" / "checks" / "src" / "infra_checks" / "release.py"
    done = subprocess.run(
        [sys.executable, "-I", "-S", script, "v0.2.0"],
        cwd=clone, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "### Added\n- Edges are sharper.\n")
    refused = subprocess.run(
        [sys.executable, "-I", "-S", script, "v9.9.9"],
        cwd=clone, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "says 0.2.0, not 9.9.9" in refused.stderr
