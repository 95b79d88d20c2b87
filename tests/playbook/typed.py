"""What a page says to type: make targets, their variables, modules of ours."""

import functools
import re
from collections.abc import Iterator

from architecture.tree import ROOT, files, python
from playbook.page import Page

_MAKE = re.compile(r"^(?:\$ )?make ([a-z][a-z0-9-]*)((?: [A-Z_]+=.*)?)$")
_OTHERS = re.compile(r"PIP_\w+|BROKER_\w+_SECRET")  # pip's, and one for each broker of a realm


@functools.cache
def targets() -> set[str]:
    """What `make` shows on its own page, and so promises."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    declared = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    return {one for line in declared for one in line.split()}


def commands(page: Page) -> list[str]:
    """What somebody may type: code in a sentence, and the lines of a fence."""
    shown = [
        line.strip()
        for kind, body in page.fences
        if kind in {"", "sh"}
        for line in body.splitlines()
    ]
    return [re.sub(r"\s+#.*", "", line) for line in [*page.spans, *shown]]


def unknown_targets(page: Page) -> Iterator[str]:
    for command in commands(page):
        if (found := _MAKE.match(command)) and found[1] not in targets():
            yield found[1]


def unknown_modules(page: Page) -> Iterator[str]:
    """`python -m` of ours that nothing answers to."""
    for command in commands(page):
        for module in re.findall(r"\bpython3? -m ([a-z_.]+)", command):
            if module.partition(".")[0].startswith("mcp_") and not _runs(module):
                yield module


def _runs(module: str) -> bool:
    path = module.replace(".", "/")
    ends = (f"/src/{path}.py", f"/src/{path}/__main__.py")
    return any(file.as_posix().endswith(ends) for file in files())


@functools.cache
def variables() -> set[str]:
    """What the Makefile takes, and what a command reads from the environment."""
    found = set(re.findall(r"\$[({]*([A-Z][A-Z0-9_]+)", (ROOT / "Makefile").read_text("utf-8")))
    for path in python(""):
        if "src" in path.parts:
            found |= set(re.findall(r"""["']([A-Z][A-Z0-9_]+)["']""", path.read_text("utf-8")))
    return found


def unknown_variables(page: Page) -> Iterator[str]:
    """`make up REPLICA=2` would start one, and say nothing."""
    for line in commands(page):
        if re.search(r"(?:^|\s)make [a-z]", line):
            said = re.sub(r"'[^']*'|\"[^\"]*\"", "", line)
            yield from (
                name
                for name in re.findall(r"\b([A-Z][A-Z0-9_]+)=", said)
                if name not in variables() and not _OTHERS.fullmatch(name)
            )
