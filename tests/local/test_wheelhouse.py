"""A folder of wheels for a site without an index: what the locks name, hash by hash, or nothing."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from local.test_lockcheck import wheel

from mcp_local import bootstrap, wheelhouse
from mcp_local.wheelhouse import Target, VendorError, entries, passes, wanted

ROOT = Path(__file__).parents[2]
LOCK = Path("requirements.lock")
BOTH = """\
thing==1.0 ; python_full_version < '3.11.5' --hash=sha256:aa
thing==2.0 ; python_full_version >= '3.11.5' \\
    --hash=sha256:bb \\
    --hash=sha256:cc
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of two packages, and an index that is a folder."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    root = tmp_path / "clone"
    root.mkdir()
    (root / LOCK).write_text(wheel(index, "thing") + wheel(index, "other"))
    return root


def made(clone: Path) -> Path:
    out = clone / ".cache" / "wheelhouse"
    wheelhouse.make(clone, out, Target(), [LOCK])
    return out


def test_the_wheels_of_a_lock_are_there_with_checksums_that_hold(clone: Path) -> None:
    out = made(clone)
    assert sorted(path.name for path in out.iterdir()) == [
        "README.txt", "SHA256SUMS", "other-1.0-py3-none-any.whl", "thing-1.0-py3-none-any.whl",
    ]  # fmt: skip
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert (
        "PIP_NO_INDEX=1 PIP_FIND_LINKS=.cache/wheelhouse make install"
        in (out / "README.txt").read_text()
    )


def test_they_install_where_there_is_no_index(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = made(clone)
    shutil.rmtree(tmp_path / "index")
    monkeypatch.chdir(clone)
    monkeypatch.setattr(bootstrap, "PYTHON", ROOT / ".venv" / "bin" / "python")
    monkeypatch.setenv("PIP_FIND_LINKS", str(out.relative_to(clone)))
    env = bootstrap.uv_environment() | {"UV_NO_CACHE": "1"}
    done = subprocess.run(
        [ROOT / bootstrap.UV, "pip", "install", "--require-hashes", "-r", LOCK, "--target", "lib"],
        env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((clone / "lib").glob("*.dist-info"))) == 2


def test_a_wheel_with_another_hash_stops_it_and_the_folder_of_before_stays(clone: Path) -> None:
    out = made(clone)
    before = (out / "SHA256SUMS").read_text()
    lock = clone / LOCK
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text(), count=1))
    with pytest.raises(VendorError, match="DO NOT MATCH THE HASHES"):
        made(clone)
    assert (out / "SHA256SUMS").read_text() == before
    assert not out.with_name("wheelhouse.new").exists()


def test_a_package_without_a_wheel_stops_it(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "index" / "thing-1.0-py3-none-any.whl").rename(
        tmp_path / "index" / "thing-1.0.tar.gz"
    )
    with pytest.raises(VendorError, match=r"thing==1\.0"):
        made(clone)


def test_a_folder_with_other_things_in_it_is_left_alone(clone: Path) -> None:
    mine = clone / ".cache" / "wheelhouse" / "thesis.odt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(VendorError, match=r"thesis\.odt"):
        made(clone)
    assert mine.exists()


def test_markers_are_judged_for_the_target() -> None:
    lock = "alien==1.0 ; sys_platform == 'win32' --hash=sha256:aa\n" + BOTH
    (linux,) = Target("linux-aarch64", "3.12").environments()[:1]
    assert wanted(lock, linux) == ["thing==2.0 --hash=sha256:bb --hash=sha256:cc"]
    (mac,) = Target("macos-arm64", "3.12").environments()[:1]
    assert (mac["sys_platform"], mac["platform_machine"]) == ("darwin", "arm64")


def test_of_a_python_whose_patch_release_is_unknown_both_versions_are_taken_one_at_a_time() -> None:
    assert passes([BOTH], Target("linux-x86_64", "3.11")) == [
        ["thing==1.0 --hash=sha256:aa"],
        ["thing==2.0 --hash=sha256:bb --hash=sha256:cc"],
    ]
    assert len(passes([BOTH], Target("linux-x86_64", "3.12"))) == 1
    assert len(passes([BOTH], Target())) == 1


@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64", "macos-arm64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_no_pass_over_our_own_locks_names_a_package_twice(platform: str, python: str) -> None:
    locks = [(ROOT / lock).read_text("utf-8") for lock in wheelhouse.LOCKS]
    everything = sum(len(entries(lock)) for lock in locks)
    for some in passes(locks, Target(platform, python)):
        names = [one.partition("==")[0] for one in some]
        assert sorted(set(names)) == sorted(names)
        assert len(some) <= everything
    assert len(passes(locks, Target(platform, python))[0]) > 100


def test_the_tags_of_a_platform_are_those_it_runs() -> None:
    linux = Target("linux-x86_64").tags()
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_28_x86_64"} <= set(linux)
    assert "manylinux_2_34_x86_64" not in linux
    assert {"macosx_11_0_arm64", "macosx_14_0_universal2"} <= set(Target("macos-arm64").tags())
    assert Target().options() == []
