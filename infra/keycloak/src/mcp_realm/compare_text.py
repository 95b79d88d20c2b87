"""A comparison as lines to read: what is added, changed, removed, field by field. Pure.

Secrets are never shown, keys by their names alone, and nothing that a name at Keycloak holds can
steer a terminal.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator

from mcp_realm.compare import Change, Comparison, Difference
from mcp_realm.compare_facts import Fact

SECRET = re.compile(r"secret|password|credential|\.token$|registrationAccessToken", re.IGNORECASE)
NOT_SECRET = re.compile(r"passwordPolicy|client\.secret\.creation\.time|\.claim$")
KEYS = "attributes.jwks.string"
LONGEST = 160
# of a new thing not worth a line: what its title says, and what is as everywhere
PLAIN = frozenset({"clientId", "enabled", "name", "path", "protocol"})
EMPTY = ((), "", "false", "[]", "{}")
WORDS = {
    "settings": "realm", "profile": "client profile", "policy": "client policy",
    "registration": "registration rule", "scope": "client scope",
    "scope roles": "roles behind scope",
    "default scopes": "realm's scopes for new clients:",
}  # fmt: skip


def lines(found: Comparison, *, new_realm: str | None = None) -> Iterator[str]:
    """For a person; `new_realm` is the name of one that does not exist yet."""
    if new_realm is not None:
        yield f"+ realm {clean(new_realm)}, with"
        yield from _counted(found.changes)
    else:
        for change in found.changes:
            yield from _change(change)
    for change in found.leftovers:
        yield f"  left over: {_title(change)} (made here, wanted no more; PRUNE=1 removes it)"
    for kind, name in found.foreign:
        yield f"  foreign: {kind} {clean(name)} (not made here; left alone)"


def removals(leftovers: tuple[Change, ...]) -> Iterator[str]:
    for change in leftovers:
        yield f"- {_title(change)}"


def _counted(changes: tuple[Change, ...]) -> Iterator[str]:
    counts = Counter(change.kind for change in changes)
    for kind in counts:
        if kind in ("settings", "default scopes", "scope roles", "registration"):
            continue
        names = ", ".join(clean(change.name) for change in changes if change.kind == kind)
        yield f"    {counts[kind]} {WORDS.get(kind, kind)}: {names}"


def _change(change: Change) -> Iterator[str]:
    yield f"{change.sign} {_title(change)}"
    for one in change.fields:
        if change.sign == "+" and (one.field in PLAIN or one.after in EMPTY):
            continue
        yield f"    {clean(one.field)}: {_difference(one)}"


def _title(change: Change) -> str:
    return f"{WORDS.get(change.kind, change.kind)} {clean(change.name)}"


def _difference(one: Difference) -> str:
    if SECRET.search(one.field) and not NOT_SECRET.search(one.field):
        return "(not shown)" if one.before is None else "(changes; not shown)"
    if isinstance(one.before, tuple) and isinstance(one.after, tuple):
        gained, lost = set(one.after) - set(one.before), set(one.before) - set(one.after)
        parts = [f"+ {clean(item)}" for item in sorted(gained)]
        return "  ".join(parts + [f"- {clean(item)}" for item in sorted(lost)])
    after = _shown(one.field, one.after)
    return after if one.before is None else f"{_shown(one.field, one.before)} → {after}"


def _shown(field: str, fact: Fact | None) -> str:
    if fact is None:
        return "(nothing)"
    if isinstance(fact, tuple):
        return ", ".join(clean(item) for item in fact) or "(none)"
    if field == KEYS:
        return _keys(fact)
    return clean(fact) or "(empty)"


def _keys(text: str) -> str:
    try:
        found = json.loads(text)["keys"]
        names = [f"{key.get('kty')} {key.get('kid')}" for key in found]
    except (ValueError, LookupError, TypeError, AttributeError):
        return "(no key set)"
    return clean(f"key {', '.join(names)}")


def clean(text: str) -> str:
    """Printable, and of a length that a line can hold."""
    safe = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return safe if len(safe) <= LONGEST else f"{safe[:LONGEST]}…"
