"""What is not loaded although its lock file is whole: text that is aimed at the model or unseen,
one server's text that speaks for another's tool, and two tools that could be taken for one.

A review can miss a character that draws nothing. Pure: no clock, no network, no state.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from mcp_gateway.configuration.settings import ConfigError
from mcp_shared.poison import foreign, poisons, shadows
from mcp_shared.renames import renamed_from

MOST_SHOWN = 5


class Pinned(Protocol):
    """What a lock file says of one server."""

    @property
    def title(self) -> str: ...
    @property
    def instructions(self) -> str: ...
    @property
    def tools(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def prompts(self) -> Mapping[str, Mapping[str, Any]]: ...


def insist(servers: Mapping[str, Pinned]) -> None:
    """Let pass what may be shown to a model.

    Raises:
        ConfigError: which server, which definition, where in it, and what it does.

    """
    found = [*_poisoned(servers), *_taken_for_another(servers), *_earlier_names(servers)]
    if found:
        more = f"; and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
        raise ConfigError(
            f"tools.lock.json: {'; '.join(found[:MOST_SHOWN])}{more}: not loaded; "
            "`make lint-tools` says what to write instead"
        )


def _poisoned(servers: Mapping[str, Pinned]) -> Iterable[str]:
    tools = {server: list(pinned.tools) for server, pinned in servers.items()}
    for server, pinned in servers.items():
        others = foreign(server, tools)
        said: dict[str, Mapping[str, Any]] = {
            "(itself)": {"title": pinned.title, "instructions": pinned.instructions},
            **{f"tool {name!a}": one for name, one in pinned.tools.items()},
            **{f"prompt {name!a}": one for name, one in pinned.prompts.items()},
        }
        for name, definition in said.items():
            for one in (*poisons(definition), *shadows(definition, others)):
                yield f"{server}: {name}: {one}"


def _taken_for_another(servers: Mapping[str, Pinned]) -> Iterable[str]:
    """Names on the aggregate endpoint are one server's alone, also for whoever folds case."""
    taken: dict[str, tuple[str, str]] = {}
    for server, pinned in servers.items():
        for name in pinned.tools:
            shown = f"{server}_{name}"
            other = taken.setdefault(shown.casefold(), (server, name))
            if other != (server, name):
                yield f"{server}: tool {name!a}: {shown} is also what {'_'.join(other)} is called"


def _earlier_names(servers: Mapping[str, Pinned]) -> Iterable[str]:
    """An earlier name leads to one tool, and is no tool's present one."""
    for server, pinned in servers.items():
        taken = set(pinned.tools)
        for name, tool in pinned.tools.items():
            if (earlier := renamed_from(tool)) is None:
                continue
            if earlier.name in taken:
                yield f"{server}: tool {name!a}: its earlier name {earlier.name!a} leads elsewhere"
            taken.add(earlier.name)
