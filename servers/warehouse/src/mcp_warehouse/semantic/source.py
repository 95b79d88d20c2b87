"""A file of metrics becomes a `Layer`, or a list of what is wrong in it: file, line, key. Pure."""

from collections.abc import Hashable, Iterable
from typing import Any

import yaml
from pydantic import ValidationError

from mcp_shared.settings import StartError
from mcp_warehouse.semantic import references
from mcp_warehouse.semantic.model import Layer
from mcp_warehouse.semantic.references import Path, Problem

Lines = dict[Path, int]


class LayerError(StartError):
    """The file cannot be used; one line for each thing that is wrong."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        super().__init__("\n".join(self.lines))


def read(text: str, file: str) -> Layer:
    """Parse and check a whole file.

    Raises:
        LayerError: with everything that is wrong, not only the first.

    """
    lines: Lines = {}
    wrong: list[Problem] = []
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = _plain(node, (), lines, wrong)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f", line {mark.line + 1}" if mark else ""
        raise LayerError([f"{file}{at}: not YAML: {error.problem}"]) from None
    if not wrong:
        try:
            layer = Layer.model_validate(plain)
        except ValidationError as error:
            wrong = [_shape(problem) for problem in error.errors(include_url=False)]
        else:
            wrong = references.problems(layer)
            if not wrong:
                return layer
    raise LayerError(
        f"{file}, line {_line(path, lines)}: {_key(path)}{said}" for path, said in wrong
    )


def _plain(node: yaml.Node | None, path: Path, lines: Lines, wrong: list[Problem]) -> Any:
    """The values of a node, noting the line of each key, and keys that stand twice."""
    if node is None:
        return {}
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[Hashable, Any] = {}
        for key_node, value in node.value:
            key = _scalar(key_node)
            place = (*path, key if isinstance(key, str | int) else str(key))
            lines[place] = key_node.start_mark.line + 1
            if key in found:
                wrong.append((place, "stands twice"))
            found[key] = _plain(value, place, lines, wrong)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*path, at), lines, wrong) for at, one in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()


def _shape(problem: Any) -> Problem:
    path, kind, told = problem["loc"], problem["type"], problem["msg"]
    if kind == "extra_forbidden":
        return path, "unknown key"
    if kind == "missing":
        return path, "is missing"
    if kind == "string_pattern_mismatch":
        return path, "must be a plain name: lower-case letters, digits and _"
    return path, told.removeprefix("Value error, ")


def _line(path: Path, lines: Lines) -> int:
    """Of the key, or of the nearest one around it that is in the file."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _key(path: Path) -> str:
    shown = ".".join(str(part) for part in path)
    return f"{shown}: " if shown else ""
