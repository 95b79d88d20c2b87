"""A tool's earlier name, until its last day: it leads to the tool as it is named now.

The call goes on under the present name, so that rights, limits, switches and the record are those
of the one tool; the answer says what the name is now.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from mcp_gateway.call import AGGREGATE, Answer, Call, Raw
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_shared.meta import RENAMED
from mcp_shared.renames import Renamed


def present(call: Call, catalogue: Catalogue) -> Call:
    """The same call by the tool's present name; as it came when its name is no earlier one."""
    found = _found(call, catalogue)
    if found is None or not found[2].answers(datetime.now(UTC).date()):
        return call
    return replace(call, name=f"{found[0]}{found[1]}")


def noted(asked: Call, call: Call, answer: Answer, catalogue: Catalogue) -> Answer:
    """The answer with a note when it was asked for by an earlier name."""
    if asked.name == call.name or answer.result is None:
        return answer
    found = _found(asked, catalogue)
    note = {"name": call.name, "until": found[2].until.isoformat() if found else None}
    meta = {**_given(answer.result.get("_meta")), RENAMED: note}
    return replace(answer, result={**answer.result, "_meta": meta})


def _found(call: Call, catalogue: Catalogue) -> tuple[str, str, Renamed] | None:
    """What stands before the name, the present name, and the earlier one with its last day."""
    if call.method != "tools/call" or call.name is None:
        return None
    server, prefix, name = call.endpoint, "", call.name
    if call.endpoint == AGGREGATE:
        server, _, name = call.name.partition("_")
        prefix = f"{server}_"
    pinned = catalogue.servers.get(server)
    found = pinned.renamed.get(name) if pinned is not None else None
    return (prefix, *found) if found else None


def _given(meta: object) -> dict[str, Any]:
    """What stood there; a server that puts no object there loses it."""
    if isinstance(meta, Raw):
        try:
            return msgspec.json.decode(meta, type=dict[str, Raw])
        except ValueError:
            return {}
    return dict(meta) if isinstance(meta, dict) else {}
