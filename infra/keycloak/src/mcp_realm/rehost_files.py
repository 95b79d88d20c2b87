"""The files of a clone that name its public URL: found, rewritten, put back the same way."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from mcp_realm.rehost_url import moved
from mcp_shared.settings import is_loopback

CONFIG = (".yaml", ".yml", ".toml", ".json", ".tfvars", ".env")
# they speak of this machine's stack, of examples, or of what derives it by itself
NOT_OURS = (
    "tests/",
    "playbook/template/",
    "infra/keycloak/realm.json",
    "infra/terraform/examples/",
)
MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Rewrite:
    path: Path
    before: str
    after: str

    def diff(self, root: Path) -> Iterator[str]:
        """Only the lines that change."""
        yield f"~ {self.path.relative_to(root) if self.path.is_relative_to(root) else self.path}"
        pair = (self.before.splitlines(), self.after.splitlines())
        for line in unified_diff(*pair, n=0, lineterm=""):
            if not line.startswith(("---", "+++", "@@")):
                yield f"    {line[0]} {line[1:].strip()}"


@dataclass(frozen=True)
class Move:
    """From one public URL, and issuer, to another."""

    old: str
    new: str
    old_issuer: str
    new_issuer: str

    @property
    def back(self) -> "Move":
        return Move(self.new, self.old, self.new_issuer, self.old_issuer)

    def of(self, text: str) -> str:
        text = moved(text, self.old, self.new)
        if self.old_issuer != self.new_issuer:
            text = moved(text, self.old_issuer, self.new_issuer, key="issuer")
        return text


def rewrites(root: Path, config: Path, move: Move) -> list[Rewrite]:
    """gateway.yaml and agents.yaml; others only when the old URL was a real deployment's."""
    found = []
    for path in (config, config.parent / "agents.yaml", *_others(root, config, move)):
        if path.is_file():
            before = _read(path)
            if (after := move.of(before)) != before:
                found.append(Rewrite(path, before, after))
    return found


def write(changes: list[Rewrite]) -> None:
    for change in changes:
        aside = change.path.with_name(f".{change.path.name}.new")
        with aside.open("w", encoding="utf-8", newline="") as out:
            out.write(change.after)
        aside.chmod(change.path.stat().st_mode & 0o777)
        aside.replace(change.path)


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


def _others(root: Path, config: Path, move: Move) -> Iterator[Path]:
    if is_loopback(move.old):  # every clone says that of its own stack
        return
    for path in _files(root):
        relative = path.relative_to(root).as_posix()
        if path.parent == config.parent or relative.startswith(NOT_OURS):
            continue
        if path.suffix in CONFIG and path.is_file() and path.stat().st_size <= MOST_BYTES:
            text = path.read_bytes().decode("utf-8", "replace")
            if move.of(text) != text:
                yield path


def _files(root: Path) -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=root, check=False, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    return [root / name for name in done.stdout.split("\0") if name]
