"""Log files of a deployment, one per process: what was written to them since a moment ago."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# processes that are not ours and write as they like
FOREIGN = frozenset({"postgres", "valkey", "supervisor"})


@dataclass(frozen=True)
class Line:
    service: str
    text: str
    entry: Mapping[str, Any] | None


def sizes(folder: Path) -> dict[Path, int]:
    return {file: file.stat().st_size for file in folder.glob("*.log")}


def since(
    folder: Path, before: Mapping[Path, int], services: Collection[str] | None = None
) -> list[Line]:
    """Every line written since `before`, of our own processes or of those named."""
    found = []
    for file in sorted(folder.glob("*.log")):
        wanted = file.stem in services if services is not None else file.stem not in FOREIGN
        if not wanted:
            continue
        with file.open("rb") as opened:
            opened.seek(before.get(file, 0))
            rows = opened.read().decode("utf-8", "replace").splitlines()
        found += [Line(file.stem, row, _entry(row)) for row in rows if row.strip()]
    return found


def _entry(row: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(row)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
