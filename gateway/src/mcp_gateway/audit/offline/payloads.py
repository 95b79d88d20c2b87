"""Encrypted arguments in an export: each record that names some is followed by exactly those.

What they say stays closed here: the key of each person is in the ledger's database alone, so that
erasing the person closes them in every export, too.
"""

from typing import Any

from mcp_gateway.audit.offline.reading import Named
from mcp_gateway.audit.offline.report import Report


class Payloads:
    """Of one block at a time: its records first, then what they name."""

    def __init__(self, report: Report) -> None:
        self.carried = False  # the first line says whether
        self._report = report
        self._named: Named = {}
        self._place = ""

    def named(self, calls: Named, place: str) -> None:
        if self.carried:
            self._named |= calls
            self._place = place

    def met(self, said: dict[str, Any], line: int) -> None:
        if not self.carried:
            self._report.add("MALFORMED", "a line of no known kind", line=line)
            return
        rid = str(said["payload"])
        named = self._named.pop(rid, None)
        if named is None:
            self._report.add("PAYLOAD", f"call {rid}: no record before it names it", line=line)
        elif named != (said["key"], said["sha256"]):
            what = f"call {rid}: not the one its record was signed with"
            self._report.add("PAYLOAD", what, line=line)
        else:
            self._report.payloads += 1

    def settle(self) -> None:
        """The block is over."""
        named, self._named = self._named, {}
        for rid in named:
            self._report.add("PAYLOAD", f"call {rid}: its arguments are missing ({self._place})")
