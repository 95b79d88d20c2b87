"""Known vulnerabilities of the audited version, from whichever databases were asked.

Pure: no clock, no network, no state. That a copy of an index shows none is no finding of none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.rubric import Exclusion, Part, known, unknown
from mcp_playbook.vet.severity import Level, of_osv, of_word
from mcp_playbook.vet.steps import ASK_OSV

POINTS = 2.0
NOT_ASKED = "no database that is known to be whole was asked"
PLACES = ("osv", "vulnerabilities")


@dataclass(frozen=True, slots=True)
class Vulnerability:
    id: str
    level: Level


def part(record: Record) -> Part:
    name = "known vulnerabilities"
    asked = _asked(record)
    found = _found(record)
    if not asked:
        why = record.why("vulnerabilities", NOT_ASKED)
        return unknown(name, POINTS, why, do=ASK_OSV)
    if found:
        return known(name, POINTS, 0.0, _told(found), asked[0])
    return known(name, POINTS, POINTS, "none known", asked[0])


def exclusion(record: Record) -> Exclusion:
    name = "critical vulnerability"
    asked = _asked(record)
    if not asked:
        why = record.why("vulnerabilities", NOT_ASKED)
        return Exclusion(name, "unknown", why, next=ASK_OSV)
    source, at = asked[0].source, asked[0].fetched
    found = _found(record)
    if critical := [one for one in found if one.level == "critical"]:
        return Exclusion(name, "found", _told(critical), source, at)
    if vague := [one for one in found if one.level == "unknown"]:
        do = f"look up how severe {', '.join(one.id for one in vague[:3])} is"
        return Exclusion(name, "unknown", _told(vague), source, at, do)
    return Exclusion(name, "clear", "none known that is critical", source, at)


def _asked(record: Record) -> list[Source]:
    """Answers that count: from a whole database, or with something in them."""
    given = [source for name in PLACES if (source := record.get(name))]
    return [one for one in given if _complete(one) or list(_read(one, record.subject.version))]


def _complete(source: Source) -> bool:
    return bool(source.data.get("complete", True))


def _found(record: Record) -> list[Vulnerability]:
    found: dict[str, Vulnerability] = {}
    for source in _asked(record):
        for one in _read(source, record.subject.version):
            found.setdefault(one.id, one)
    return list(found.values())


def _read(source: Source, version: str | None) -> Iterator[Vulnerability]:
    for one in source.data.get("vulns") or ():  # OSV's own form
        listed = [
            v for affected in one.get("affected") or () for v in affected.get("versions") or ()
        ]
        if one.get("withdrawn") or (version and listed and version not in listed):
            continue
        yield Vulnerability(str(one["id"]), of_osv(one))
    for one in source.data.get("found") or ():  # a package client's, reduced when collected
        yield Vulnerability(str(one["id"]), of_word(one.get("severity")))


def _told(found: list[Vulnerability]) -> str:
    shown = ", ".join(f"{one.id} ({one.level})" for one in found[:4])
    return shown + (f" and {len(found) - 4} more" if len(found) > 4 else "")
