"""Two lock files of one server, compared: tools, prompts, and what the server says of itself.

Pure: no clock, no network, no state.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from mcp_playbook.diff import schemas
from mcp_playbook.diff.change import Change, Weight
from mcp_playbook.diff.marked import marked, visible
from mcp_shared.contract import HINTS
from mcp_shared.renames import renamed_from

Document = Mapping[str, Any]

ALIKE = 0.6  # of the words of two descriptions: then one that went and one that came are the same
# what a host may call without asking rests on these; the safe side of each
_SAFE = {
    "readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False,
}  # fmt: skip
_ASSUMED = {
    "readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True,
}  # fmt: skip
_COMPARED = {"name", "title", "description", "inputSchema", "outputSchema", "annotations", "hash"}
_CAPABILITIES = ("resources", "completions", "tasks")


def compare(old: Document, new: Document) -> list[Change]:
    """Every difference that somebody outside could notice, tool by tool."""
    return [*_server(old, new), *_tools(old, new), *_prompts(old, new)]


def _server(old: Document, new: Document) -> Iterator[Change]:
    for key in ("title", "instructions"):
        was, now = str(old.get(key) or ""), str(new.get(key) or "")
        if was != now and key in old:
            yield Change(Weight.REVIEW, "server", f"other {key}", "", marked(was, now))
    for key in _CAPABILITIES:
        if bool(old.get(key)) != bool(new.get(key)) and "tools" in old:
            gone = bool(old.get(key))
            weight = Weight.BREAKING if gone else Weight.COMPATIBLE
            yield Change(weight, "server", f"{'no longer' if gone else 'now'} offers {key}")


def _tools(old: Document, new: Document) -> Iterator[Change]:
    before, after = _named(old, "tools"), _named(new, "tools")
    moved = dict(_moved(before, after))
    for name in before:
        if name in after:
            yield from _tool(f"tool {name}", before[name], after[name])
        elif name in moved:
            now, until = moved[name]
            kept = f"; the old name answers until {until}" if until else ""
            weight = Weight.REVIEW if until else Weight.BREAKING
            yield Change(weight, f"tool {name}", f"renamed to {now}{kept}")
            yield from _tool(f"tool {name} → {now}", before[name], after[now])
        else:
            yield Change(Weight.BREAKING, f"tool {name}", "removed")
    taken = {now for now, _ in moved.values()}
    for name in after:
        if name not in before and name not in taken:
            title = visible(str(after[name].get("title") or ""))
            yield Change(Weight.COMPATIBLE, f"tool {name}", f"added: {title}")
        gone = renamed_from(before[name]) if name in before else None
        if gone and gone != renamed_from(after[name]):
            yield Change(
                Weight.BREAKING, f"tool {name}",
                f"the old name {gone.name} is answered otherwise than until {gone.until}",
            )  # fmt: skip


def _moved(
    before: Mapping[str, Document], after: Mapping[str, Document]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Tools that went, with the name they have now: as declared, or as their words tell."""
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    for now in list(come):
        was = renamed_from(after[now])
        if was and was.name in gone:
            yield was.name, (now, was.until.isoformat())
            gone.remove(was.name)
            come.remove(now)
    for name in gone:
        alike = [(_alike(before[name], after[now]), now) for now in come]
        best, now = max(alike, default=(0.0, ""))
        if best >= ALIKE:
            yield name, (now, "")
            come.remove(now)


def _alike(one: Document, other: Document) -> float:
    first, second = (str(tool.get("description") or "").split() for tool in (one, other))
    if not first or not second:
        return float(one.get("inputSchema") == other.get("inputSchema"))
    return float(difflib.SequenceMatcher(None, first, second, autojunk=False).ratio())


def _tool(subject: str, old: Document, new: Document) -> Iterator[Change]:
    for key in ("title", "description"):
        was, now = str(old.get(key) or ""), str(new.get(key) or "")
        if was != now:
            what = "other words" if key == "description" else f"other {key}"
            yield Change(Weight.REVIEW, subject, what, "", marked(was, now))
    yield from _annotations(subject, old.get("annotations") or {}, new.get("annotations") or {})
    yield from schemas.arguments(subject, _schema(old, "inputSchema"), _schema(new, "inputSchema"))
    if (old.get("outputSchema") is None) != (new.get("outputSchema") is None):
        gone = new.get("outputSchema") is None
        weight = Weight.BREAKING if gone else Weight.COMPATIBLE
        yield Change(weight, subject, f"{'no longer has' if gone else 'has'} an output schema")
    else:
        pair = (_schema(old, "outputSchema"), _schema(new, "outputSchema"))
        yield from schemas.fields(subject, *pair)
    for key in sorted({*old, *new} - _COMPARED):
        if old.get(key) != new.get(key):
            yield Change(Weight.REVIEW, subject, f"another {key}")


def _annotations(subject: str, old: Document, new: Document) -> Iterator[Change]:
    for hint in HINTS:
        was, now = (one.get(hint, _ASSUMED[hint]) for one in (old, new))
        if was != now:
            safer = now == _SAFE[hint]
            weight = Weight.REVIEW if safer else Weight.BREAKING
            told = "claims to be safer" if safer else "hosts may ask before each call now"
            yield Change(weight, subject, f"{hint} {was} → {now}; {told}".lower())
    if old.get("title") != new.get("title"):
        yield Change(Weight.REVIEW, subject, "another title among its annotations")


def _prompts(old: Document, new: Document) -> Iterator[Change]:
    before, after = _named(old, "prompts"), _named(new, "prompts")
    for name in [*before, *(one for one in after if one not in before)]:
        subject = f"prompt {name}"
        if name not in after:
            yield Change(Weight.BREAKING, subject, "removed")
        elif name not in before:
            yield Change(Weight.COMPATIBLE, subject, "added")
        else:
            yield from _prompt(subject, before[name], after[name])


def _prompt(subject: str, old: Document, new: Document) -> Iterator[Change]:
    for key in ("title", "description"):
        was, now = str(old.get(key) or ""), str(new.get(key) or "")
        if was != now:
            yield Change(Weight.REVIEW, subject, f"other {key}", "", marked(was, now))
    yield from schemas.arguments(subject, _as_schema(old), _as_schema(new))


def _as_schema(prompt: Document) -> dict[str, Any]:
    listed = [one for one in prompt.get("arguments") or () if isinstance(one, Mapping)]
    return {
        "properties": {
            str(one.get("name")): {"description": one.get("description")} for one in listed
        },
        "required": [str(one.get("name")) for one in listed if one.get("required")],
    }


def _named(document: Document, key: str) -> dict[str, Document]:
    found = document.get(key) or ()
    return {str(one["name"]): one for one in found if isinstance(one, Mapping) and "name" in one}


def _schema(tool: Document, key: str) -> Document:
    found = tool.get(key)
    return found if isinstance(found, Mapping) else {}
