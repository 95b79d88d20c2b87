"""A server's tools side by side, with what a rule may compare one of them to.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.similarity import Twin, twins

Record = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Server:
    """`neighbours` are the tools of other servers; `record` the hashes that were last accepted."""

    name: str
    wire: Sequence[Mapping[str, Any]]
    neighbours: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    record: Record = field(default_factory=dict)

    @cached_property
    def tools(self) -> Mapping[str, Definition]:
        return {str(tool.get("name", "")): Definition(tool) for tool in self.wire}

    @cached_property
    def foreign(self) -> frozenset[str]:
        """Names of other servers' tools, plain and as the gateway's aggregate names them."""
        return frozenset(self._foreign())

    def _foreign(self) -> Iterator[str]:
        for server, tools in self.neighbours.items():
            for tool in tools:
                yield str(tool.get("name", ""))
                yield f"{server}_{tool.get('name', '')}"

    @cached_property
    def twins(self) -> Sequence[Twin]:
        return twins({self.name: self.wire, **self.neighbours})

    def siblings(self, tool: Definition) -> frozenset[str]:
        return frozenset(self.tools) - {tool.name}
