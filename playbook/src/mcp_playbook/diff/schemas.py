"""What two schemas of one tool mean for a caller: arguments it may send, fields it may read.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_playbook.diff.bounds import Schema, narrowed, types
from mcp_playbook.diff.change import Change, Weight
from mcp_playbook.diff.marked import marked
from mcp_shared.wanted import meaning

HEADER = "x-mcp-header"
MAX_DEPTH = 32
_NULL = {"type": "null"}


@dataclass(frozen=True)
class Side:
    """Arguments are given, fields are read: what is tighter for one is looser for the other."""

    subject: str
    word: str
    input: bool
    old: Schema
    new: Schema

    def change(self, weight: Weight, where: str, what: str, marks: str = "") -> Change:
        return Change(weight, self.subject, what, where, marks)

    def bound(self, *, tighter: bool) -> Weight:
        if self.input:
            return Weight.BREAKING if tighter else Weight.COMPATIBLE
        # an answer that says less than it might is fine; one that says more surprises a reader
        return Weight.COMPATIBLE if tighter else Weight.REVIEW


def arguments(subject: str, old: Schema, new: Schema) -> Iterator[Change]:
    yield from _compared(Side(subject, "argument", True, old, new), old, new, "")


def fields(subject: str, old: Schema, new: Schema) -> Iterator[Change]:
    yield from _compared(Side(subject, "field", False, old, new), old, new, "")


def _compared(side: Side, was: Any, now: Any, where: str, depth: int = 0) -> Iterator[Change]:
    old, new = _resolved(was, side.old), _resolved(now, side.new)
    if old == new and side.old.get("$defs") == side.new.get("$defs"):
        return
    if depth > MAX_DEPTH:
        yield side.change(Weight.REVIEW, where, f"the {side.word} nests too deep to compare")
        return
    for tighter, what in narrowed(old, new):
        yield side.change(side.bound(tighter=tighter), where, what)
    if moved := types(old, new):
        lost, gained, what = moved
        breaks = lost if side.input else gained
        yield side.change(Weight.BREAKING if breaks else Weight.COMPATIBLE, where, what)
    yield from _told(side, old, new, where)
    yield from _properties(side, old, new, where, depth)
    yield from _choices(side, old, new, where, depth)
    items = (old.get("items"), new.get("items"))
    if any(isinstance(one, Mapping) for one in items):
        yield from _compared(side, items[0] or {}, items[1] or {}, f"{where}[]", depth + 1)


def _told(side: Side, old: Schema, new: Schema, where: str) -> Iterator[Change]:
    """What does not bind but is read: words, defaults, headers."""
    was, now = str(old.get("description") or ""), str(new.get("description") or "")
    if was != now:
        yield side.change(Weight.REVIEW, where, "other words", marked(was, now))
    if old.get("default") != new.get("default") and (where or "default" in new):
        told = f"left out, it meant {old.get('default')!r} and means {new.get('default')!r} now"
        yield side.change(Weight.REVIEW, where, told)
    if old.get(HEADER) != new.get(HEADER):
        told = (
            f"its value travels in the header Mcp-Param-{new[HEADER]} now, where proxies read it"
            if new.get(HEADER)
            else f"no longer travels in a header ({old[HEADER]})"
        )
        yield side.change(Weight.REVIEW, where, told)


def _properties(side: Side, old: Schema, new: Schema, where: str, depth: int) -> Iterator[Change]:
    before, after = old.get("properties") or {}, new.get("properties") or {}
    needed_before, needed_after = set(old.get("required") or ()), set(new.get("required") or ())
    for name in [*before, *(one for one in after if one not in before)]:
        at = f"{where}.{name}" if where else name
        if name not in after:
            yield side.change(Weight.BREAKING, at, f"the {side.word} is gone")
        elif name not in before:
            needed = side.input and name in needed_after
            word = f"a new {side.word}{', and required' if needed else ''}"
            weight = Weight.BREAKING if needed else Weight.COMPATIBLE
            yield side.change(weight, at, f"{word}: {_form(after[name], side.new)}")
        else:
            if name in needed_after - needed_before:
                weight = Weight.BREAKING if side.input else Weight.COMPATIBLE
                yield side.change(weight, at, "required now" if side.input else "always there now")
            if name in needed_before - needed_after:
                weight = Weight.COMPATIBLE if side.input else Weight.BREAKING
                told = "may be left out now" if side.input else "may be missing now"
                yield side.change(weight, at, told)
            yield from _compared(side, before[name], after[name], at, depth + 1)


def _choices(side: Side, old: Schema, new: Schema, where: str, depth: int) -> Iterator[Change]:
    for key in ("anyOf", "oneOf", "allOf"):
        before, after = _options(old, key, side.old), _options(new, key, side.new)
        if before == after:
            continue
        plain = [[one for one in options if one != _NULL] for options in (before, after)]
        if (_NULL in before) != (_NULL in after):
            tighter = _NULL in before
            told = f"null is {'refused' if tighter else 'taken'} now"
            yield side.change(side.bound(tighter=tighter), where, told)
        if len(plain[0]) == len(plain[1]):
            for was, now in zip(*plain, strict=True):
                yield from _compared(side, was, now, where, depth + 1)
        else:
            tighter = any(one not in plain[1] for one in plain[0])
            told = f"{len(plain[0])} accepted forms → {len(plain[1])}"
            yield side.change(side.bound(tighter=tighter), where, told)


def _options(schema: Schema, key: str, root: Schema) -> list[Any]:
    found = schema.get(key)
    return [_resolved(one, root) for one in found] if isinstance(found, Sequence) else []


def _resolved(schema: Any, root: Schema) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        return {} if schema is not False else {"not": {}}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        known = (root.get("$defs") or {}).get(reference.removeprefix("#/$defs/"), {})
        return {**known, **{key: one for key, one in schema.items() if key != "$ref"}}
    return dict(schema)


def _form(schema: Any, root: Schema) -> str:
    found = _resolved(schema, root)
    kinds: list[str] = []
    for one in (found, *_options(found, "anyOf", root)):
        kind = one.get("type") or ()
        kinds += [kind] if isinstance(kind, str) else [str(each) for each in kind]
    words = " or ".join(kinds) or "anything"
    told = meaning(found)
    return f"{words}, {told}" if told else words
