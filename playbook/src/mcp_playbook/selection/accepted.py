"""What was accepted of a server: its prompts by hash, and which tools are taken for others."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcp_playbook.selection.measured import Measured, Pair
from mcp_playbook.selection.prompts import FILE, PromptsError

ACCEPTED = "selection.lock.json"


def write(folder: Path, server: str, measured: Measured) -> Path:
    confused: dict[str, dict[str, int]] = {}
    for (answer, chosen), count in sorted(_of(server, measured.confused).items()):
        confused.setdefault(answer, {})[chosen] = count
    file = folder / ACCEPTED
    document = {"prompts": _hash(folder), "confused": confused}
    file.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return file


def worse(folder: Path, server: str, measured: Measured) -> Iterator[str]:
    """Each way in which the server is no longer what was accepted; nothing accepted, nothing said.

    Raises:
        PromptsError: the file cannot be read.

    """
    file = folder / ACCEPTED
    if not file.is_file():
        return
    before = _read(file)
    if before["prompts"] != _hash(folder):
        yield f"the prompts of {server} are others than the accepted ones"
    for (answer, chosen), count in sorted(_of(server, measured.confused).items()):
        allowed = before["confused"].get(answer, {}).get(chosen, 0)
        if count > allowed:
            yield f"{answer} is taken for {chosen} {count} times, accepted were {allowed}"


def _of(server: str, confused: Counter[Pair]) -> dict[Pair, int]:
    return {pair: n for pair, n in confused.items() if pair[0].startswith(f"{server}_")}


def _hash(folder: Path) -> str:
    return hashlib.sha256((folder / FILE).read_bytes()).hexdigest()


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return {"prompts": str(found["prompts"]), "confused": dict(found["confused"])}
    except (ValueError, KeyError, TypeError) as error:
        raise PromptsError(f"{file}: not readable; write it anew with --accept") from error
