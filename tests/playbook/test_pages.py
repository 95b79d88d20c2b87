"""What our pages say can be followed: links, make targets, paths and code lead somewhere.

Output in fences is left alone. A path with a placeholder (`servers/<name>`) is a form, not a path.
"""

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from architecture.tree import ROOT, files
from playbook.page import CODE, Page, read
from playbook.typed import unknown_modules, unknown_targets, unknown_variables

# made anew by `make controls`, so a clone may have it or not
GENERATED = {"playbook/reviewers/control-map.md"}
# names that pages use for a server somebody is yet to make
EXAMPLES = {"billing", "tickets"}
TOP = {path.relative_to(ROOT).parts[0] for path in files()}

OURS = {
    "mcp_shared",
    "mcp_gateway",
    "mcp_local",
    "mcp_playbook",
    "mcp_warehouse",
    "mcp_crm",
    "mcp_docs",
}

_LINK = re.compile(r"\[[^\]\n]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_CHECK = re.compile(r"\bW[1-4]-\d\d\b")
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
_LINE_NUMBERS = re.compile(r":\d+(-\d+)?$")


# what the template's pages say is true in the server made from it; the rest is data, or a dated report
ELSEWHERE = (
    "playbook/template/", "playbook/src/", "infra/sandbox/handbook/", "tests/bench/results/",
    "tests/faults/results/",
)  # fmt: skip
PAGES = [
    path
    for path in files()
    if path.suffix == ".md" and not path.relative_to(ROOT).as_posix().startswith(ELSEWHERE)
]


def slugs(page: Page) -> set[str]:
    """Anchors as the repository's host makes them."""
    found: set[str] = set()
    for heading in _HEADING.findall(page.prose):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return found


def broken_links(page: Page) -> Iterator[str]:
    for target in _LINK.findall(CODE.sub("", page.prose)):
        if re.match(r"[a-z]+:", target) or "<" in target:
            continue
        name, _, anchor = target.partition("#")
        found = (page.path.parent / name).resolve() if name else page.path
        if name and not found.exists():
            if found not in {ROOT / one for one in GENERATED}:
                yield target
        elif (
            anchor and found.suffix == ".md" and anchor not in slugs(read(found) if name else page)
        ):
            yield target


@functools.cache
def checks() -> set[str]:
    sources = (ROOT / "playbook/src/mcp_playbook/checks").glob("*.py")
    return {one for path in sources for one in _CHECK.findall(path.read_text("utf-8"))}


def unknown_checks(page: Page) -> Iterator[str]:
    yield from (one for one in _CHECK.findall(page.prose) if one not in checks())


def missing_paths(page: Page) -> Iterator[str]:
    for span in page.spans:
        for word in span.split():
            for path in _spelt_out(word.strip("\"',;()[]")):
                if not _there(path):
                    yield path


def _spelt_out(word: str) -> list[str]:
    """The paths of this repository that a word names; none when it is something else."""
    first = word.removeprefix("./").split("/")[0]
    if "/" not in word or first not in TOP or re.search(r"[<>…$=|]|://", word):
        return []
    return list(_choices(word.removeprefix("./")))


def _choices(word: str) -> Iterator[str]:
    found = _BRACES.search(word)
    if found is None:
        yield word
        return
    for choice in found[1].split(","):
        yield from _choices(word.replace(found[0], choice, 1))


def _there(path: str) -> bool:
    path, _, test = path.partition("::")
    path = _LINE_NUMBERS.sub("", path)
    parts = path.rstrip("/").split("/")
    if len(parts) > 1 and parts[0] == "servers" and parts[1] in EXAMPLES:
        return True
    if path in GENERATED or any(ROOT.glob(path.rstrip("/"))):
        return not test or test in (ROOT / path).read_text("utf-8")
    return False


def wrong_code(page: Page) -> Iterator[str]:
    """Python that does not parse, and names it takes from modules of ours that have none such."""
    for kind, body in page.fences:
        if kind not in {"python", "py"}:
            continue
        try:
            tree = ast.parse(body)
        except SyntaxError as error:
            yield f"line {error.lineno} of a block: {error.msg}"
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield from _unknown_names(node.module, [alias.name for alias in node.names])


def _unknown_names(module: str, names: list[str]) -> Iterator[str]:
    if module.partition(".")[0] not in OURS:
        return
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        yield module
        return
    source = Path(spec.origin).read_text("utf-8")
    for name in names:
        defined = re.search(rf"^(?:(?:async )?def |class )?{name}\b", source, re.MULTILINE)
        imported = re.search(rf"^from .+ import .*\b{name}\b", source, re.MULTILINE)
        inside = any((Path(spec.origin).parent / form).exists() for form in (name, f"{name}.py"))
        if not (defined or imported or (spec.submodule_search_locations and inside)):
            yield f"{module}.{name}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_leads_where_it_says(path: Path) -> None:
    page = read(path)
    assert not list(broken_links(page))
    assert not list(unknown_targets(page))
    assert not list(unknown_variables(page))
    assert not list(unknown_modules(page))
    assert not list(unknown_checks(page))
    assert not list(missing_paths(page))
    assert not list(wrong_code(page))


def test_there_are_pages() -> None:
    assert len(PAGES) > 10


WRONG = """# A page

[gone](gone.md), [no such part](#nowhere), [there](#a-page), `[code](is-no-link.md)`.
`make nonsense`, `gateway/nothing.yaml`, `servers/{crm,nobody}/policy.yaml`,
`tests/house/test_path.py::test_no_such_thing`.
Check W3-03 there is, W3-99 there is not.
`python -m mcp_local ps`, `.venv/bin/python -m mcp_gateway.rights`, `python -m mcp_gone.why`.
`servers/<name>/policy.yaml`, `servers/*/policy.yaml`, `make up`, `.run/stack.json`, `/servers/crm/mcp`.

```
make alsononsense
make up REPLICAS=2
IDPS=keycloak make up STACKS=compose  # two that nobody reads
gateway/output.txt is only what a program printed
```

```python
from mcp_shared.faults import NotFound, Nothing
```

```python
def broken(:
```
"""


def test_what_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = Page(tmp_path / "page.md", WRONG)
    assert list(broken_links(page)) == ["gone.md", "#nowhere"]
    assert list(unknown_targets(page)) == ["nonsense", "alsononsense"]
    assert list(unknown_variables(page)) == ["IDPS", "STACKS"]
    assert list(unknown_modules(page)) == ["mcp_gateway.rights", "mcp_gone.why"]
    assert list(unknown_checks(page)) == ["W3-99"]
    assert list(missing_paths(page)) == [
        "gateway/nothing.yaml", "servers/nobody/policy.yaml",
        "tests/house/test_path.py::test_no_such_thing",
    ]  # fmt: skip
    assert [found.partition(" of a block")[0] for found in wrong_code(page)] == [
        "mcp_shared.faults.Nothing", "line 1",
    ]  # fmt: skip
