"""A small repository of one server, two tools and its prompts, to be bent."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

from architecture.tree import ROOT
from playbook.lint.sample import GOOD, SIBLING

ASKED = [
    ("What does account 7 still owe us?", "list_invoices", False),
    ("Which bills are overdue?", "list_invoices", False),
    ("What was billed in March?", "list_invoices", True),
    ("What exactly was charged on this bill?", "get_invoice", True),
    ("Has that one been paid, and when?", "get_invoice", False),
    ("Taxes and payments of number 12, please.", "get_invoice", False),
    ("Will it rain tomorrow?", "none", False),
]


def prompts(asked: list[tuple[str, str, bool]]) -> str:
    return "\n".join(
        f"[[prompt]]\nask = {json.dumps(ask)}\nexpects = {json.dumps(tool)}\nnear_miss = {str(near).lower()}\n"
        for ask, tool, near in asked
    )


def tools(**texts: str) -> list[dict[str, Any]]:
    """Both tools, with other descriptions where given."""
    made = [copy.deepcopy(GOOD), copy.deepcopy(SIBLING)]
    for tool in made:
        tool["description"] = texts.get(tool["name"], tool["description"])
    return made


def pin(folder: Path, definitions: list[dict[str, Any]]) -> None:
    (folder / "tools.lock.json").write_text(json.dumps({"tools": definitions}), "utf-8")


def server(folder: Path, asked: list[tuple[str, str, bool]] | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "policy.yaml").write_text("tools: {}\n", "utf-8")
    pin(folder, tools())
    if asked is not None:
        (folder / "prompts.toml").write_text(prompts(asked), "utf-8")
    return folder


def clone(root: Path, *names: str) -> None:
    """What makes a folder a clone: its stack file, and a gateway.yaml that lists the servers."""
    (root / "gateway").mkdir()
    (root / "infra/local").mkdir(parents=True)
    shutil.copy(ROOT / "infra/local/stack.toml", root / "infra/local/stack.toml")
    config = (ROOT / "gateway/gateway.yaml").read_text("utf-8").partition("servers:")[0]
    listed = "".join(f"  - {name}\n" for name in names)
    (root / "gateway/gateway.yaml").write_text(f"{config}servers:\n{listed}", "utf-8")
