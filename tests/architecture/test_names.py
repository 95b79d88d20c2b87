"""One name in four places: the tool's file, its function, its policy line and its test."""

import ast
from pathlib import Path

import pytest
import yaml
from architecture.tree import ROOT, listed, package_of


def tools(folder: Path) -> list[Path]:
    own = folder / "src" / package_of(folder) / "tools"
    return sorted(path for path in own.glob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("server", sorted(listed()))
def test_every_tool_has_its_function_its_policy_line_and_its_test(server: str) -> None:
    folder = listed()[server]
    policy = yaml.safe_load((folder / "policy.yaml").read_text("utf-8"))["tools"]
    names = [path.stem for path in tools(folder)]
    assert sorted(policy) == sorted(names)
    for path in tools(folder):
        functions = {
            node.name
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.AsyncFunctionDef)
        }
        assert path.stem in functions, f"{path} has no async def {path.stem}"
        if folder.is_relative_to(ROOT):
            test = ROOT / "tests" / "servers" / server.replace("-", "_") / f"test_{path.stem}.py"
            assert test.exists(), f"{test} is missing"
