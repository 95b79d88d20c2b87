"""Nothing but demo data and demo tests knows the servers of this repository by name.

In a copy, all of them are taken away and somebody else's server is put in their place, in a folder
outside the copy.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from live.conftest import HERE, ROOT

from mcp_local.ports import free_port

# the servers, and what is there for them alone: their data, their sandbox, their question, their tests
THEIRS = (
    "servers", "infra/postgres", "infra/sandbox/crm-api", "infra/sandbox/handbook",
    "infra/sandbox/demo", "tests/servers", "tests/postgres", "tests/sandbox", "tests/live",
)  # fmt: skip
# `.venv` leads to the rooms of this checkout: in the copy they must not be found
FORGET = "import sys\nsys.path[:] = [p for p in sys.path if p not in {here!r}]\n"


@dataclass(frozen=True)
class Copy:
    root: Path
    server: Path
    env: dict[str, str]

    def run(self, *words: str, seconds: float = 200) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words], cwd=self.root, env=self.env,
            check=False, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip


def sources(root: Path) -> list[str]:
    rooms = ("shared", "gateway", "servers/*", "infra/*", "infra/sandbox/*", "playbook")
    return [str(folder) for room in rooms for folder in sorted(root.glob(f"{room}/src"))]


@pytest.fixture(scope="module")
def copy(run_folder: Path) -> Iterator[Copy]:
    folder = run_folder / "somebody else's"
    root, server = folder / "copy", folder / "elsewhere" / "numbers"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        source = ROOT / name
        if source.is_file() and not any(name.startswith(f"{theirs}/") for theirs in THEIRS):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, root / name)
    shutil.copytree(HERE / "numbers", server, ignore=shutil.ignore_patterns("__pycache__"))
    listing = root / "gateway" / "gateway.yaml"
    content = yaml.safe_load(listing.read_text()) | {"servers": ["../elsewhere/numbers"]}
    listing.write_text(yaml.safe_dump(content))
    (folder / "first").mkdir()
    (folder / "first" / "sitecustomize.py").write_text(FORGET.format(here=set(sources(ROOT))))
    path = [str(folder / "first"), *sources(root), str(server / "src")]
    env = {
        **os.environ,
        "COLUMNS": "120",
        "PYTHONPATH": os.pathsep.join(path),
        "STACK_GATEWAY_PORT": str(free_port()),
        "STACK_ISSUER_PORT": str(free_port()),
    }
    made = Copy(root, server, env)
    yield made
    made.run("-m", "mcp_local", "clean")


def packages(folders: list[str]) -> set[str]:
    return {init.parent.name for folder in folders for init in Path(folder).glob("*/__init__.py")}


IMPORTABLE = """
import importlib.util, json, sys
specs = {name: importlib.util.find_spec(name) for name in sys.argv[1:]}
print(json.dumps([name for name, spec in specs.items() if spec and spec.origin]))
"""


def test_the_servers_of_this_repository_cannot_be_imported_in_the_copy(copy: Copy) -> None:
    everything, kept = packages(sources(ROOT)), packages(sources(copy.root))
    assert everything > kept
    found = copy.run("-c", IMPORTABLE, *everything)
    assert set(json.loads(found.stdout)) == kept, found.stderr


def test_the_stack_comes_up_with_somebody_elses_server_and_its_calls_go_as_expected(
    copy: Copy,
) -> None:
    locked = copy.run("-m", "mcp_local", "tools-lock")
    assert locked.returncode == 0, locked.stderr
    assert (copy.server / "tools.lock.json").is_file()
    up = copy.run("-m", "mcp_local", "up")
    assert up.returncode == 0, up.stdout + up.stderr
    for decision in ("allowed", "refused", "limited"):
        assert decision in up.stdout
    assert "numbers_summarise_numbers" in up.stdout
    stack = json.loads((copy.root / ".run" / "stack.json").read_text())
    assert [server["name"] for server in stack["servers"]] == ["numbers"]
    assert "internal" in stack["servers"][0]
    verified = copy.run(
        "-m", "mcp_local", "env", "gateway", "{python}", "-m", "mcp_gateway.audit", "verify"
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert copy.run("-m", "mcp_local", "down").returncode == 0


def test_the_policy_is_shown_and_explained(copy: Copy) -> None:
    matrix = copy.run("-m", "mcp_gateway.rights.why")
    assert matrix.returncode == 0, matrix.stderr
    assert "write_roman" in matrix.stdout
    why = copy.run(
        "-m", "mcp_gateway.rights.why", "--person", "cho", "--tool", "numbers_write_roman"
    )
    assert "the person has [support]" in why.stdout, why.stderr


@pytest.mark.parametrize("tests", ["tests/contract"])
def test_the_tests_that_name_no_server_hold(copy: Copy, tests: str) -> None:
    if not (copy.root / tests).is_dir():
        pytest.skip(f"{tests} is not there")
    done = copy.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", tests)
    assert done.returncode == 0, done.stdout + done.stderr
