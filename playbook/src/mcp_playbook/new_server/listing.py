"""One line more, or one less, in gateway.yaml; comments and order stay. Pure.

The text is changed and not written anew, because people keep their reasons in it.
"""

from collections.abc import Mapping
from typing import Any

import yaml

KEY = "servers"
BY_HAND = "Change the list in gateway/gateway.yaml by hand."


class ListingError(ValueError):
    """A list written in a way this does not understand; nothing was changed."""


def added(text: str, name: str) -> str:
    """The text with `name` as the last entry of `servers:`."""
    entries = _list(text)
    if not entries.value and not entries.flow_style:
        raise ListingError(f"{KEY}: is empty. {BY_HAND}")
    if entries.flow_style:
        at = _end(entries.value[-1]) if entries.value else entries.start_mark.index + 1
        changed = text[:at] + (f", {name}" if entries.value else name) + text[at:]
    else:
        end = text.find("\n", _end(entries.value[-1]))
        at = len(text) if end < 0 else end + 1
        line = f"{' ' * entries.start_mark.column}- {name}\n"
        changed = text[:at] + ("\n" if end < 0 else "") + line + text[at:]
    return _checked(text, changed, lambda listed: [*listed, name])


def removed(text: str, name: str) -> str:
    """The text without the line that adds `name`; as it was when no line does."""
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if line.partition("#")[0].strip() != f"- {name}"]
    if len(kept) == len(lines):
        if name in yaml.safe_load(text)[KEY]:
            raise ListingError(f"{name} is listed in another form than a line. {BY_HAND}")
        return text
    return _checked(text, "".join(kept), lambda listed: [one for one in listed if one != name])


def _list(text: str) -> yaml.SequenceNode:
    try:
        document = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ListingError(f"gateway.yaml is not valid YAML: {error}") from error
    for key, value in document.value if isinstance(document, yaml.MappingNode) else ():
        if key.value == KEY and isinstance(value, yaml.SequenceNode):
            return value
    raise ListingError(f"gateway.yaml has no list {KEY}:. {BY_HAND}")


def _end(node: yaml.Node) -> int:
    """Where its last word ends; a mapping's own end lies behind the comments that follow."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return int(node.end_mark.index)


def _checked(before: str, after: str, listed: Any) -> str:
    old: Mapping[str, Any] = yaml.safe_load(before)
    if yaml.safe_load(after) != {**old, KEY: listed(old[KEY])}:
        raise ListingError(f"The list {KEY}: is written in an unusual way. {BY_HAND}")
    return after
