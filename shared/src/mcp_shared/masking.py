"""Fields of an answer that a role does not see: taken out before the server writes it. Pure.

A mask names a field of a tool's answer and the roles that see it; for everyone else something
stands in its place that the tool's own output schema allows, so that clients that check answers
still take them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic_core import to_json

from mcp_shared import meta
from mcp_shared.settings import StartError

INSTEAD = "(masked)"
_PATH = re.compile(r"\$(\.[A-Za-z_][A-Za-z0-9_]{0,63}|\[\*\])+")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]{0,63})|\[\*\]")
_NARROW = frozenset({"enum", "const", "pattern", "format", "minLength"})


class MaskError(StartError):
    """A mask that cannot be kept: which, and why."""


@dataclass(frozen=True, slots=True)
class Mask:
    path: str
    steps: tuple[str | None, ...]  # a name, or None for every item of a list
    seen_by: frozenset[str]
    instead: Any

    def hides_from(self, roles: frozenset[str]) -> bool:
        return roles.isdisjoint(self.seen_by)


def compiled(lines: Mapping[str, Any], output: Mapping[str, Any] | None) -> tuple[Mask, ...]:
    """The `mask:` of a tool's line in policy.yaml, for the tool's output schema.

    Raises:
        MaskError: a path that is none, that the answer does not have, or that cannot be masked.

    """
    return tuple(_compiled(path, seen_by, output or {}) for path, seen_by in lines.items())


def _compiled(path: object, seen_by: object, output: Mapping[str, Any]) -> Mask:
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise MaskError(f"{path!r} is not a path such as $.contacts[*].phone")
    if not isinstance(seen_by, list) or not all(isinstance(role, str) for role in seen_by):
        raise MaskError(f"{path}: a list of the roles that see it is needed")
    steps = tuple(step[1] for step in _STEP.finditer(path))
    leaves = list(_at(output, steps, output))
    if not leaves:
        raise MaskError(f"{path}: the answer has no such field")
    for instead, fits in (
        (INSTEAD, _takes_any_text),
        (None, _takes_null),
        ([], _takes_empty_list),
    ):
        if any(fits(leaf) for leaf in leaves):
            return Mask(path, steps, frozenset(seen_by), instead)
    raise MaskError(f"{path}: its schema allows nothing to stand for what is left out")


def _at(schema: Any, steps: Sequence[str | None], root: Mapping[str, Any]) -> Iterator[Any]:
    """Every alternative the schema has at the end of these steps."""
    if not isinstance(schema, Mapping):
        return
    if isinstance(reference := schema.get("$ref"), str):
        yield from _at((root.get("$defs") or {}).get(reference.rpartition("/")[2]), steps, root)
        return
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key) or ():
            yield from _at(option, steps, root)
    if not steps:
        yield schema
    elif steps[0] is None:
        yield from _at(schema.get("items"), steps[1:], root)
    else:
        yield from _at((schema.get("properties") or {}).get(steps[0]), steps[1:], root)


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    kind = schema.get("type")
    return {kind} if isinstance(kind, str) else set(kind or ())


def _takes_any_text(schema: Mapping[str, Any]) -> bool:
    wide = schema.get("maxLength", len(INSTEAD)) >= len(INSTEAD)
    return "string" in _kinds(schema) and wide and not schema.keys() & _NARROW


def _takes_null(schema: Mapping[str, Any]) -> bool:
    return "null" in _kinds(schema)


def _takes_empty_list(schema: Mapping[str, Any]) -> bool:
    return "array" in _kinds(schema) and not schema.get("minItems")


def answer(result: CallToolResult, hidden: Sequence[Mask]) -> CallToolResult:
    """The answer without what is hidden: in its structure, in its text, and saying so.

    Whatever else the tool gave goes as well, text, links and images, as nobody can know what they
    repeat or lead to: what is left is the masked structure, and the same as text.
    """
    if not hidden or result.is_error:
        return result
    structured: Any = result.structured_content
    if structured is None:
        raise MaskError("an answer without structure cannot be masked, so it is not given")
    taken = []
    for mask in hidden:
        structured, found = _without(structured, mask.steps, mask.instead)
        taken += [mask.path] if found else []
    if not taken:
        return result
    said = ", ".join(path.removeprefix("$.") for path in taken)
    return result.model_copy(
        update={
            "structured_content": structured,
            "content": [
                TextContent(type="text", text=to_json(structured).decode()),
                TextContent(type="text", text=f"Masked for the person's role: {said}."),
            ],
            "meta": {**(result.meta or {}), meta.MASKED: taken},
        }
    )


def _without(value: Any, steps: Sequence[str | None], instead: Any) -> tuple[Any, bool]:
    """A copy with `instead` at the end of these steps, and whether the field was there."""
    if not steps:
        return instead, True
    step, rest = steps[0], steps[1:]
    if step is None and isinstance(value, list):
        made = [_without(one, rest, instead) for one in value]
        return [one for one, _ in made], any(found for _, found in made)
    if step is not None and isinstance(value, dict) and step in value:
        inside, found = _without(value[step], rest, instead)
        return {**value, step: inside}, found
    return value, False
