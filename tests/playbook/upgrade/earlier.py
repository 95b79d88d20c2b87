"""A clone at an earlier commit, with a later version to take: built by git from this checkout."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mcp_local.load import Stack
from mcp_local.place import Place
from mcp_local.ports import free_port

ROOT = Path(__file__).parents[3]
EARLIER = "a0654ed15180909dff855d62f267360b07c08c90"
# branches of the clone: what the checkout holds, and some changes more
NEXT = "kit-next"
BROKEN = "kit-broken"  # and a migration that fails after the first
# `.venv` leads to the rooms of this checkout: in the clone they must not be found
FORGET = "import sys\nsys.path[:] = [p for p in sys.path if p not in {here!r}]\n"
MIGRATION = "servers/docs/src/mcp_docs/migrations/900_upgrade_test.sql"
MIGRATES = (
    "CREATE TABLE docs.upgraded AS SELECT count(*) AS pages FROM docs.page;\n"
    "ALTER TABLE docs.page ADD COLUMN upgraded boolean NOT NULL DEFAULT true;\n"
)
FAILS = "servers/docs/src/mcp_docs/migrations/901_upgrade_test.sql"
ROOMS = ("shared", "gateway", "servers/*", "infra/*", "infra/sandbox/*", "playbook")


@dataclass(frozen=True)
class Clone:
    root: Path
    env: dict[str, str]

    @property
    def stack(self) -> Stack:
        return Stack(
            Place(
                root=self.root,
                run=self.root / ".run",
                gateway_port=int(self.env["STACK_GATEWAY_PORT"]),
                issuer_port=int(self.env["STACK_ISSUER_PORT"]),
                scale=self.env["STACK_SCALE"],
            )
        )

    def run(self, *words: str, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=self.root, env=self.env,
            check=False, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip

    def in_gateway(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "mcp_local", "env", "gateway", "{python}", "-m", *words)

    def upgrade(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "mcp_playbook.upgrade", *words)

    def git(self, *words: str, given: str | None = None, **env: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=self.root, env={**self.env, **env}, input=given,
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip


def has_history() -> bool:
    """Whether this checkout has the earlier commit; a shallow one has not."""
    done = subprocess.run(
        ["git", "cat-file", "-e", f"{EARLIER}^{{commit}}"],
        cwd=ROOT, check=False, capture_output=True,
    )  # fmt: skip
    return done.returncode == 0


def sources(root: Path) -> list[str]:
    return [str(folder) for room in ROOMS for folder in sorted(root.glob(f"{room}/src"))]


def make(folder: Path) -> Clone:
    """The clone at the earlier commit, with changes of its own, one of which the kit makes otherwise."""
    root = folder / "clone"
    (folder / "first").mkdir(parents=True)
    here = sources(ROOT)
    there = [str(root / Path(source).relative_to(ROOT)) for source in here]
    (folder / "first" / "sitecustomize.py").write_text(FORGET.format(here=set(here)))
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder / "first"), *there]),
        "STACK_GATEWAY_PORT": str(free_port()),
        "STACK_ISSUER_PORT": str(free_port()),
        "STACK_SCALE": "0.01",
        **{f"GIT_{who}_NAME": "platform" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "platform@larkfield.example" for who in ("AUTHOR", "COMMITTER")},
    }
    for name in ("STACK_ROOT", "STACK_RUN", "DATABASE_URL", "REDIS_URL"):
        env.pop(name, None)
    subprocess.run(
        ["git", "clone", "-q", "--no-checkout", str(ROOT), str(root)], env=env, check=True
    )
    clone = Clone(root, env)
    clone.git("checkout", "-q", "-B", "main", EARLIER)
    _next(clone, folder / "index")
    edit(clone, "gateway/agents.yaml", lambda text: narrowed(text, "[read]"))
    edit(clone, "gateway/gateway.yaml", lambda text: text.replace("  - warehouse\n", ""))
    clone.git("commit", "-q", "-a", "-m", "Cursor only reads, and no warehouse, with us")
    return clone


def _next(clone: Clone, index: Path) -> None:
    """The checkout as it is, committed or not, with a migration, a limit and an agent changed."""
    of_checkout = {"GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": str(ROOT)}
    clone.git("read-tree", "origin/HEAD", **of_checkout)
    clone.git("--git-dir", str(clone.root / ".git"), "add", "-A", str(ROOT), **of_checkout)
    put(clone, index, MIGRATION, MIGRATES)
    policy = (ROOT / "servers/docs/policy.yaml").read_text("utf-8")
    put(
        clone,
        index,
        "servers/docs/policy.yaml",
        policy.replace("contractor: 20/", "contractor: 15/"),
    )
    agents = (ROOT / "gateway/agents.yaml").read_text("utf-8")
    put(clone, index, "gateway/agents.yaml", narrowed(agents, "[write]"))
    branch(clone, index, NEXT)
    put(clone, index, FAILS, "SELECT no_such_column FROM docs.page;\n")
    branch(clone, index, BROKEN)


def branch(clone: Clone, index: Path, name: str) -> None:
    tree = clone.git("write-tree", GIT_INDEX_FILE=str(index))
    commit = clone.git("commit-tree", tree, "-p", "origin/HEAD", "-m", "The kit goes on")
    clone.git("branch", "-q", name, commit)


def put(clone: Clone, index: Path, path: str, text: str) -> None:
    blob = clone.git("hash-object", "-w", "--stdin", given=text)
    clone.git(
        "update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", GIT_INDEX_FILE=str(index)
    )


def narrowed(agents: str, may: str) -> str:
    before = "cursor: { may: [read, write]"
    assert before in agents
    return agents.replace(before, f"cursor: {{ may: {may}")


def edit(clone: Clone, path: str, changed: Callable[[str], str]) -> None:
    file = clone.root / path
    before = file.read_text("utf-8")
    assert changed(before) != before
    file.write_text(changed(before), "utf-8")
