"""`make vendor`: a folder with every wheel that `make install` wants, for a site without an index.

What is in it is what the lock files name, hash by hash; a package that has no wheel for the target
stops it. The npm packages of the protocol suite and of the Inspector are not in it.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement

from mcp_local.place import find_root

LOCKS = (Path("requirements.lock"), Path("infra/local/uv.txt"), Path("infra/local/tools/caddy.txt"))
CHECKS = Path("infra/checks/tools.lock")
DEFAULT = Path(".cache/wheelhouse")
SUMS = "SHA256SUMS"
NOTE = "README.txt"
SECONDS = 1800
OLDEST_GLIBC, NEWEST_GLIBC = 5, 28  # 2.28: what a Debian 10 or RHEL 8 has, and all later ones
MACOS = range(11, 16)

TEXT = """\
Every wheel that `make install` wants, for {target}, from commit {commit}.

In a clone of that commit, with this folder at {folder}:

    (cd {folder} && sha256sum -c --quiet {sums})
    PIP_NO_INDEX=1 PIP_FIND_LINKS={folder} make install
    make up

`shasum -a 256 -c` on macOS. Set both variables for every later `make`, too, or put them into
.venv's own pip.conf:

    printf '[global]\\nno-index = true\\nfind-links = {folder}\\n' > .venv/pip.conf

The hashes of the lock files are checked once more while it installs.
"""


class VendorError(RuntimeError):
    """What stops it, in words for whoever asked for a wheelhouse."""


@dataclass(frozen=True)
class Target:
    """A platform and a Python; without either, those this runs on."""

    platform: str | None = None  # linux-x86_64, linux-aarch64, macos-arm64
    python: str | None = None  # 3.12

    def __str__(self) -> str:
        here = default_environment()
        there = self.platform or f"{here['sys_platform']}-{here['platform_machine']}"
        return f"{there}, Python {self.python or here['python_version']}"

    def tags(self) -> list[str]:
        if self.platform is None:
            return []
        system, _, machine = self.platform.partition("-")
        if system == "linux":
            versions = range(OLDEST_GLIBC, NEWEST_GLIBC + 1)
            legacy = [f"manylinux{year}_{machine}" for year in ("1", "2010", "2014")]
            return [*(f"manylinux_2_{one}_{machine}" for one in versions), *legacy]
        return [f"macosx_{one}_0_{kind}" for one in MACOS for kind in (machine, "universal2")]

    def environments(self) -> list[dict[str, str]]:
        """What markers are asked of: of another Python, its first and its last patch release."""
        here = {key: str(value) for key, value in default_environment().items()}
        if self.platform is not None:
            system, _, machine = self.platform.partition("-")
            linux = system == "linux"
            here |= {
                "sys_platform": "linux" if linux else "darwin",
                "platform_system": "Linux" if linux else "Darwin",
                "platform_machine": machine,
                "platform_release": "", "platform_version": "",
            }  # fmt: skip
        if self.python is None:
            return [here]
        patches = (f"{self.python}.0", f"{self.python}.99")
        version = {"python_version": self.python}
        return [here | version | {"python_full_version": full} for full in patches]

    def options(self) -> list[str]:
        asked = [word for tag in self.tags() for word in ("--platform", tag)]
        if self.python is not None:
            asked += ["--python-version", self.python]
        return [*asked, "--implementation", "cp"] if asked else []


def entries(lock: str) -> list[str]:
    """Each requirement with its hashes, on one line."""
    lines = lock.replace("\\\n", " ").splitlines()
    return [" ".join(line.split()) for line in lines if line[:1].isalnum()]


def wanted(lock: str, environment: dict[str, str]) -> list[str]:
    """Those whose marker holds there, without it: pip would judge it by this machine."""
    found = []
    for entry in entries(lock):
        text, *hashes = entry.split(" --hash=")
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            pin = f"{requirement.name}{requirement.specifier}"
            found.append(" --hash=".join([pin, *hashes]))
    return found


def passes(locks: Iterable[str], target: Target) -> list[list[str]]:
    """One list for pip each: it takes no two versions of a package at once."""
    texts = list(locks)
    done: list[list[str]] = []
    for environment in target.environments():
        before = {one for some in done for one in some}
        fresh = [one for text in texts for one in wanted(text, environment)]
        if left := [one for one in dict.fromkeys(fresh) if one not in before]:
            done.append(left)
    return done


def download(requirements: Sequence[str], to: Path, target: Target) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "-q",
            "--no-deps", "--require-hashes", "--only-binary", ":all:", *target.options(),
            "--dest", str(to), "--requirement", "/dev/stdin",
        ],
        input="\n".join(requirements) + "\n", check=False, capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise VendorError("\n".join(said) or done.stderr.strip() or "pip download failed")


def seal(folder: Path) -> int:
    """Write the checksums of all wheels there; how many bytes they are."""
    lines, size = [], 0
    for wheel in sorted(folder.glob("*.whl")):
        with wheel.open("rb") as content:
            lines.append(f"{hashlib.file_digest(content, 'sha256').hexdigest()}  {wheel.name}\n")
        size += wheel.stat().st_size
    (folder / SUMS).write_text("".join(lines))
    return size


def foreign(folder: Path) -> list[str]:
    """What in the folder is not a wheelhouse's."""
    known = {SUMS, NOTE}
    there = folder.iterdir() if folder.is_dir() else ()
    return sorted(p.name for p in there if p.suffix != ".whl" and p.name not in known)


def make(root: Path, out: Path, target: Target, locks: Collection[Path]) -> tuple[int, int]:
    """How many wheels, how many bytes; the folder of before is replaced when all are there."""
    if strange := foreign(out):
        raise VendorError(f"{out} holds {', '.join(strange[:3])}: name a folder of its own, OUT=…")
    aside = out.with_name(f"{out.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        for some in passes(((root / lock).read_text("utf-8") for lock in locks), target):
            download(some, aside, target)
        size = seal(aside)
        shown = out.relative_to(root) if out.is_relative_to(root) else out
        (aside / NOTE).write_text(
            TEXT.format(target=target, commit=_commit(root), folder=shown, sums=SUMS)
        )
        shutil.rmtree(out, ignore_errors=True)
        aside.rename(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return len(list(out.glob("*.whl"))), size


def _commit(root: Path) -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"],
        cwd=root, check=False, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip() or "unknown"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make vendor", description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT)
    parser.add_argument("--platform", choices=("linux-x86_64", "linux-aarch64", "macos-arm64"))
    parser.add_argument("--python", choices=("3.11", "3.12", "3.13"))
    parser.add_argument("--checks", action="store_true", help="the validators, too")
    given = parser.parse_args()
    target = Target(given.platform, given.python)
    root, begun = find_root(Path.cwd()), time.monotonic()
    locks = (*LOCKS, CHECKS) if given.checks else LOCKS
    print(f"Fetching for {target} what {', '.join(map(str, locks))} name", flush=True)
    try:
        count, size = make(root, (root / given.out).resolve(), target, locks)
    except (VendorError, OSError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    took = time.monotonic() - begun
    print(f"{count} wheels, {size / 1e6:,.0f} MB, in {given.out} after {took:.0f} s. See {NOTE}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
