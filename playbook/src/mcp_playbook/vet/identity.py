"""Whether package, repository, registry entry and clone belong to each other.

Pure: no clock, no network, no state. One contradiction excludes; agreement needs two independent
places that say the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.rubric import Exclusion, Part, known, unknown
from mcp_playbook.vet.steps import CLONE

POINTS = 2.0
_SCP = re.compile(r"^[\w.-]+@([\w.-]+):(.+)$")


@dataclass(frozen=True, slots=True)
class Comparison:
    what: str
    one: str
    other: str
    source: Source
    about_repository: bool = False

    @property
    def agrees(self) -> bool:
        return self.one == self.other


def repository_of(address: str) -> str:
    """`host/owner/name` of a repository's address, however it is spelt; empty when it is none."""
    text = address.strip().removeprefix("git+")
    if short := re.fullmatch(r"github:([\w.-]+/[\w.-]+)", text):
        text = f"https://github.com/{short[1]}"
    if scp := _SCP.match(text):
        text = f"ssh://{scp[1]}/{scp[2]}"
    parts = urlsplit(text)
    pieces = [piece for piece in parts.path.split("/") if piece]
    if parts.scheme not in {"https", "http", "ssh", "git"} or not parts.hostname or len(pieces) < 2:
        return ""
    host = parts.hostname.removeprefix("www.")
    if host == "gitlab.com":  # groups may be nested
        pieces = pieces[: pieces.index("-")] if "-" in pieces else pieces
        return f"{host}/{'/'.join(pieces)}".lower().removesuffix(".git")
    return f"{host}/{pieces[0]}/{pieces[1]}".lower().removesuffix(".git")


def part(record: Record) -> Part:
    """Points for a registry entry that names its repository, confirmed from elsewhere."""
    name = "repository as the registry says"
    source = record.get("registry")
    if source is None:
        why = record.why("registry", "no package index lists it")
        return unknown(name, POINTS, why, do=CLONE)
    if source.data["repository"] is None:
        why = "this index does not pass the project's own words on"
        return unknown(name, POINTS, why, do=CLONE)
    if not source.data["repository"]:
        return known(name, POINTS, 0.0, "the registry entry names none", source)
    compared = [one for one in comparisons(record) if one.about_repository]
    if not compared:
        why = f"{source.data['repository']} is stated, and nothing to compare it with"
        return unknown(name, POINTS, why, do=CLONE)
    agreed = all(one.agrees for one in compared)
    value = "; ".join(_told(one) for one in compared)
    return known(name, POINTS, POINTS if agreed else 0.0, value, compared[0].source)


def exclusion(record: Record) -> Exclusion:
    name = "name or repository mismatch"
    compared = list(comparisons(record))
    if wrong := [one for one in compared if not one.agrees]:
        value = "; ".join(_told(one) for one in wrong)
        return Exclusion(name, "found", value, wrong[0].source.source, wrong[0].source.fetched)
    if compared:
        value = "; ".join(_told(one) for one in compared)
        return Exclusion(
            name, "clear", value, compared[0].source.source, compared[0].source.fetched
        )
    return Exclusion(name, "unknown", "there is nothing to compare", next=CLONE)


def comparisons(record: Record) -> Iterator[Comparison]:
    registry, clone, listed = (record.get(name) for name in ("registry", "clone", "mcp-registry"))
    stated = repository_of(registry.data["repository"] or "") if registry else ""
    if registry and stated and (published := registry.data.get("publisher")):
        yield Comparison("attested publisher", stated, published, registry, about_repository=True)
    if clone and stated and (origin := clone.data["origin"]):
        yield Comparison("clone", stated, origin, clone, about_repository=True)
    if clone and (names := clone.data["names"]) and record.subject.kind in {"npm", "pypi"}:
        name = record.subject.name
        yield Comparison("package of the clone", name, name if name in names else names[0], clone)
    if listed and registry:
        yield from _listed(record, registry, listed, stated)


def _listed(record: Record, registry: Source, listed: Source, stated: str) -> Iterator[Comparison]:
    """An MCP registry's entry points at the package, and the package points back."""
    data = listed.data
    if data["repository"] and stated:
        told = repository_of(data["repository"])
        yield Comparison("MCP registry", stated, told, listed, about_repository=True)
    if data["name"] and (name := registry.data.get("mcp_name")):
        yield Comparison("name in the MCP registry", name, data["name"], listed)
    if packages := data["packages"]:
        own = record.subject.name
        told = own if own in packages else packages[0]
        yield Comparison("package in the MCP registry", own, told, listed)


def _told(one: Comparison) -> str:
    if one.agrees:
        return f"{one.what} agrees: {one.one}"
    return f"{one.what} says {one.other}, stated is {one.one}"
