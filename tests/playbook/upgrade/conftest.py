"""A kit of a few files with versions to take, and a clone of it: git is real, no stack was ever started."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_playbook.upgrade import cli
from mcp_playbook.upgrade.git import Git

ROOT = Path(__file__).parents[3]
FIRST = {
    "pyproject.toml": '[project]\nname = "mcp-in-production"\nversion = "0.1.0"\n',
    "CHANGELOG.md": "# Changelog\n\n## 0.1.0\n\n- The first version.\n",
    "README.md": "one\ntwo\nthree\nfour\nfive\n",
    ".gitignore": ".run/\n",
    "playbook/ownership.toml": (ROOT / "playbook" / "ownership.toml").read_text("utf-8"),
    "infra/local/stack.toml": "",
    "gateway/gateway.yaml": (
        "public_url: http://localhost:8080\n"
        "issuer: http://localhost:8081/realms/mcp\n"
        "servers: [crm]\n"
        "limits:\n  body_bytes: 2048\n  # more to come\n  # and more\n  replicas: 2\n"
    ),
    "gateway/agents.yaml": 'agents:\n  codex-cli: {may: [read], tools: ["*"]}\n',
    "gateway/src/edge.txt": "cap\nsize\nheaders\nbody\n",
    "servers/crm/policy.yaml": "tools:\n  get_account: {roles: [sales]}\n",
    "servers/crm/tools.lock.json": '{"tools": [], "prompts": []}\n',
    "servers/crm/src/reading.txt": "reading\n",
    "servers/docs/src/ranking.txt": "ranking\n",
    "servers/docs/src/mcp_docs/migrations/001_first.sql": "SELECT 1;\n",
}


@dataclass(frozen=True)
class Repository:
    folder: Path

    @property
    def git(self) -> Git:
        return Git(self.folder)

    @property
    def head(self) -> str:
        return self.git.text("rev-parse", "HEAD")

    def read(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")

    def write(self, files: dict[str, str | None]) -> None:
        for path, text in files.items():
            file = self.folder / path
            if text is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, "utf-8")

    def commit(self, files: dict[str, str | None], tag: str | None = None) -> str:
        self.write(files)
        self.git.run("add", "--all")
        self.git.run("commit", "-q", "--allow-empty", "-m", tag or "Work")
        if tag is not None:
            self.git.run("tag", tag)
        return self.head

    def replace(self, path: str, before: str, after: str) -> dict[str, str | None]:
        text = self.read(path)
        assert before in text
        return {path: text.replace(before, after)}


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's git is configured with."""
    for name in ("STACK_ROOT", "STACK_RUN", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "platform",
        "GIT_AUTHOR_EMAIL": "platform@larkfield.example",
        "GIT_COMMITTER_NAME": "platform",
        "GIT_COMMITTER_EMAIL": "platform@larkfield.example",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def kit(tmp_path: Path) -> Repository:
    """The kit at v0.1.0."""
    made = Repository(tmp_path / "kit")
    made.folder.mkdir()
    made.git.run("init", "-q", "-b", "main")
    made.commit(dict(FIRST), "v0.1.0")
    return made


@pytest.fixture
def clone(kit: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A company's clone of it, with one commit of its own; the work directory of the test."""
    made = Repository(tmp_path / "clone")
    subprocess.run(
        ["git", "clone", "-q", "-o", "kit", str(kit.folder), str(made.folder)], check=True
    )
    made.commit({"servers/billing/README.md": "Billing, ours.\n"})
    monkeypatch.chdir(made.folder)
    return made


Release = Callable[[dict[str, str | None]], str]


@pytest.fixture
def release(kit: Repository) -> Release:
    """Make v0.2.0 of the kit, with these changes."""

    def made(files: dict[str, str | None]) -> str:
        changed = kit.replace("pyproject.toml", "0.1.0", "0.2.0")
        changed |= kit.replace(
            "CHANGELOG.md", "## 0.1.0", "## 0.2.0\n\n- Edges are sharper.\n\n## 0.1.0"
        )
        return kit.commit(changed | files, "v0.2.0")

    return made


def upgrade(*words: str) -> int:
    return cli.main(words)
