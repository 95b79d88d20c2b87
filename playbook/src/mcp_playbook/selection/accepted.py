"""What was accepted of a server: its prompts by hash, and which of them find another tool."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_playbook.selection.measured import Measured, Miss
from mcp_playbook.selection.prompts import FILE, NONE, PromptsError

ACCEPTED = "selection.lock.json"


@dataclass(frozen=True, slots=True)
class Worse:
    """A step back from what was accepted of a server, which alone can accept it."""

    server: str
    what: str


def write(folder: Path, server: str, measured: Measured) -> Path:
    missed = {miss.ask: [miss.answer, miss.chosen or NONE] for miss in _of(server, measured)}
    file = folder / ACCEPTED
    document = {"prompts": _hash(folder), "missed": missed}
    file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return file


def worse(
    folder: Path, server: str, measured: Measured, *, taker: str | None = None
) -> Iterator[Worse]:
    """Each way in which the server is no longer what was accepted; nothing accepted, nothing said.

    A pair is worse when it is confused more often and a prompt that was found is among those. A
    prompt that found a wrong tool and now finds another wrong one makes nothing worse. `taker`:
    only what the tools of that server took; changed prompts are then for another run to tell.

    Raises:
        PromptsError: the file cannot be read.

    """
    file = folder / ACCEPTED
    if not file.is_file():
        return
    before = _read(file)
    if before["prompts"] != _hash(folder):
        if taker is None:
            yield Worse(server, f"the prompts of {server} are others than the accepted ones")
        return
    accepted = Counter(tuple(pair) for pair in before["missed"].values())
    now = Counter((miss.answer, miss.chosen or NONE) for miss in _of(server, measured))
    for miss in _of(server, measured):
        pair = (miss.answer, miss.chosen or NONE)
        taken = taker is None or pair[1].startswith(f"{taker}_")
        if taken and miss.ask not in before["missed"] and now[pair] > accepted[pair]:
            yield Worse(server, f"{pair[0]} is now taken for {pair[1]}: {miss.ask!r}")


def _of(server: str, measured: Measured) -> list[Miss]:
    return [miss for miss in measured.misses if miss.answer.startswith(f"{server}_")]


def _hash(folder: Path) -> str:
    return hashlib.sha256((folder / FILE).read_bytes()).hexdigest()


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return {"prompts": str(found["prompts"]), "missed": dict(found["missed"])}
    except (ValueError, KeyError, TypeError) as error:
        raise PromptsError(f"{file}: not readable; write it anew with --accept") from error
