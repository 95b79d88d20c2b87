"""The next call after a refused one: what the reply names is changed, and nothing else.

Pure: no clock, no network, no state. Where a reply names nothing, the agent tidies blindly once
and then gives up.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mcp_playbook.repair.agent.forms import StuckError, as_kind, at_bound, in_form, nearest
from mcp_playbook.repair.agent.reading import Said, read

Arguments = dict[str, Any]
Recall = Callable[[str], Any]  # what the person said about an argument of this name; None: nothing


def repaired(sent: Mapping[str, Any], reply: str, recall: Recall) -> Arguments | None:
    """The next attempt; None when there is nothing more to try."""
    said = read(reply)
    if not said:
        return _tidied(sent)
    now = dict(sent)
    for one in said:
        try:
            _mended(now, one, recall)
        except (StuckError, KeyError):
            continue
    return None if now == sent else now


def _mended(now: Arguments, said: Said, recall: Recall) -> None:
    name = said.name or _holder(now, said.value)
    if said.trouble == "unknown":
        value = now.pop(name)
        if said.instead and said.instead not in now:
            now[said.instead] = value
    elif said.trouble == "missing":
        if name not in now:
            now[name] = _recalled(name, recall)
    else:
        now[name] = _changed(now[name], said, lambda: _recalled(name, recall))


def _changed(value: Any, said: Said, recalled: Callable[[], Any]) -> Any:
    if said.trouble == "choice":
        return said.instead or nearest(value, said.allowed)
    if said.trouble == "kind":
        return recalled() if value is None else as_kind(value, said.expected)
    if said.trouble in {"small", "large"}:
        return at_bound(said.expected, upper=said.trouble == "large")
    if said.trouble == "form":
        return in_form(value, said.expected)
    raise StuckError


def _recalled(name: str, recall: Recall) -> Any:
    value = recall(name)
    if value is None:
        raise StuckError
    return value


def _holder(now: Mapping[str, Any], shown: str) -> str:
    """Which argument has the value that the words repeat."""
    holders = [name for name, value in now.items() if repr(value) == shown]
    if len(holders) != 1:
        raise StuckError
    return holders[0]


def _tidied(sent: Mapping[str, Any]) -> Arguments | None:
    """What one does who is told nothing: numbers as numbers, no blanks around words."""
    now = {
        name: int(value) if isinstance(value, str) and value.strip().isdigit() else value
        for name, value in sent.items()
        if value is not None
    }
    return None if now == sent else now
