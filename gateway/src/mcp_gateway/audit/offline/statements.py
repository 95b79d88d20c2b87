"""What is gone on purpose, as far as signed statements say so: retired segments, restored tails."""

import json
from datetime import datetime
from typing import Any

from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.trust import Trust

CLOCK_SECONDS = 120  # that the clocks of gateways, operators and databases may differ

Place = tuple[str, str]  # day and segment
End = tuple[int, str]  # block and head


class Statements:
    def __init__(self, trust: Trust, report: Report) -> None:
        self.stones: dict[Place, tuple[int, int, str]] = {}  # records, blocks, head
        # when it was signed, and the last block seen before it
        self._restores: dict[tuple[Place, End], list[tuple[str, int]]] = {}
        self._trust = trust
        self._report = report

    def add(self, text: str, signature: bytes) -> None:
        try:
            title, line, _ = text.split("\n")
            said = json.loads(line)
            key, at = str(said["key"]), str(said["at"])
            signed = self._trust.signed(key, signature, text.encode(), at)
            self._read(title if signed else "not signed by a trusted key", said)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self._report.add("STATEMENT", f"a signed statement is not genuine: {error}")

    def _read(self, title: str, said: dict[str, Any]) -> None:
        if title == "mcp-ledger tombstone v1":
            if said["proposed_by"] == said["approved_by"]:
                raise ValueError("one person proposed and approved it")
            end = (int(said["records"]), int(said["blocks"]), str(said["head"]))
            self.stones[str(said["day"]), str(said["segment"])] = end
        elif title == "mcp-ledger restore v1":
            for one in said["ends"]:
                place = (str(one["day"]), str(one["segment"]))
                end_ = (int(one["block"]), str(one["head"]))
                stated = self._restores.setdefault((place, end_), [])
                stated.append((str(said["at"]), int(one["seen"])))
            words = (str(said[name]) for name in ("at", "by", "backup"))
            self._report.restored.append("{} by {} from {}".format(*words))
        else:
            raise ValueError(title)

    def excused(self, place: Place, block: int, head: str, grown: str) -> int:
        """Up to which block a checkpoint's word is excused for a segment that ends like this.

        `grown` is when the last checkpoint named it: an earlier statement names what was to come.
        """
        stated = self._restores.get((place, (block, head)), ())
        return max((seen for at, seen in stated if not _later(grown, at)), default=0)


def _later(one: str, other: str) -> bool:
    """By more than clocks differ."""
    try:
        between = datetime.fromisoformat(one) - datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return bool(one)  # a moment that cannot be read excuses nothing
    return between.total_seconds() > CLOCK_SECONDS
