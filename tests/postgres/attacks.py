"""Hostile and ordinary SQL with what must become of it: known attacks, and tricks of our own.

`expect`: refused (before the database), bounded (refused, or cut at a limit), harmless (may run;
nothing comes of it), answered (ordinary analysis: refusing it is a fault).
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Attack:
    id: str
    row: str  # of the catalogue of attacks; empty for ordinary SQL
    expect: str
    sql: str


def _read(name: str) -> list[Attack]:
    return [Attack(**a) for a in json.loads(Path(__file__).with_name(name).read_text("utf-8"))]


KNOWN, OWN = _read("attacks.json"), _read("tricks.json")
ATTACKS = KNOWN + OWN
HOSTILE = [one for one in ATTACKS if one.row]


def of(row: str) -> list[Attack]:
    """The attacks of one row of the catalogue."""
    found = [one for one in HOSTILE if one.row == row]
    assert found
    return found
