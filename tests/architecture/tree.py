"""The repository as the architecture tests see it: product code, its imports, its listed servers."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


@functools.cache
def files() -> tuple[Path, ...]:
    """Everything that is, or would be, committed."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return tuple(
        sorted({ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).exists()})
    )


def python(*under: str) -> Iterator[Path]:
    for path in files():
        relative = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and relative.startswith(under):
            yield path


def imports(path: Path) -> set[str]:
    """Every module a file imports, also inside functions, by its full dotted name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(imported: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in imported}


@functools.cache
def listed() -> dict[str, Path]:
    """Name → folder of every server in gateway.yaml."""
    entries = yaml.safe_load((ROOT / "gateway/gateway.yaml").read_text("utf-8"))["servers"]
    found = {}
    for entry in entries:
        path = entry["path"] if isinstance(entry, dict) else entry
        folder = ROOT / path if "/" in path else ROOT / "servers" / path
        found[folder.resolve().name] = folder.resolve()
    return found


def package_of(folder: Path) -> str:
    """The import name of a server's package: the one folder under its src."""
    (package,) = (one.name for one in (folder / "src").iterdir() if (one / "__init__.py").exists())
    return package
