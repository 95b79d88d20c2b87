"""The auditor of public MCP servers, and the reports it left: what the checklist reads of them.

Which listed servers are other people's is said in playbook/owners.toml: `vendor = "NAME"` names the
report, `vendor = false` says that a folder outside this repository is your own.
"""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_gateway.configuration.settings import Server

REPORT = "report.json"
FOLDER = Path("playbook/vetted")
OWNERS = Path("playbook/owners.toml")
OLDEST = timedelta(days=90)
REJECT = "reject"


class ReportError(Exception):
    """A report or owners file that cannot be read; the text names it and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Vetted:
    """One server's report, as committed: `date` is that of the oldest thing it was made of."""

    name: str
    subject: str
    verdict: str
    date: datetime
    score: float | None
    confidence: float

    def objection(self, now: datetime) -> str | None:
        """Why it does not carry a listed server now; None when it does."""
        if self.verdict == REJECT:
            return f"{self.name} was rejected on {self.date:%Y-%m-%d}"
        age = now - self.date
        if age > OLDEST:
            return f"{self.name}'s report is {age.days} days old, {OLDEST.days} are allowed"
        return None


@dataclass(frozen=True, slots=True)
class Foreign:
    """A listed server that is not of this repository; `report` is None while nobody has said."""

    name: str
    report: str | None


def reports(folder: Path) -> dict[str, Vetted]:
    """Every report under a folder such as playbook/vetted, by name.

    Raises:
        ReportError: one of them cannot be read.

    """
    found = [_read(file) for file in sorted(folder.glob(f"*/{REPORT}"))]
    return {one.name: one for one in found}


def foreign(servers: Sequence[Server], root: Path) -> list[str]:
    """Names of the listed servers that are other people's, or of which nobody has said."""
    return [one.name for one in _foreign(servers, root)]


def unvetted(servers: Sequence[Server], root: Path, *, now: datetime | None = None) -> list[str]:
    """What is wrong with each listed server that is not ours; empty when nothing is.

    Raises:
        ReportError: a report or the owners file cannot be read.

    """
    known = reports(root / FOLDER)
    moment = now or datetime.now(UTC)
    found = []
    for one in _foreign(servers, root):
        if one.report is None:
            found.append(
                f"{one.name} lies outside this repository; say in {OWNERS} whose it is: "
                f'[servers.{one.name}] vendor = "NAME of its report", or vendor = false'
            )
        elif one.report not in known:
            found.append(f"{one.name} has no report {FOLDER}/{one.report}/{REPORT}")
        elif objection := known[one.report].objection(moment):
            found.append(f"{one.name}: {objection}")
    return found


def _foreign(servers: Sequence[Server], root: Path) -> Iterator[Foreign]:
    said = _vendors(root / OWNERS)
    for server in servers:
        vendor = said.get(server.name)
        outside = not server.folder.resolve().is_relative_to(root.resolve())
        if isinstance(vendor, str):
            yield Foreign(server.name, vendor)
        elif outside and vendor is not False:
            yield Foreign(server.name, None)


def _vendors(file: Path) -> dict[str, object]:
    if not file.is_file():
        return {}
    try:
        owners = tomllib.loads(file.read_text("utf-8")).get("servers", {})
    except (OSError, ValueError) as error:
        raise ReportError(f"{file}: {error}") from error
    found = {name: one["vendor"] for name, one in owners.items() if "vendor" in one}
    for name, vendor in found.items():
        if vendor is not False and not (isinstance(vendor, str) and vendor):
            raise ReportError(f"{file}: vendor of {name} is the name of a report, or false")
    return found


def _read(file: Path) -> Vetted:
    try:
        told = json.loads(file.read_text("utf-8"))
        return Vetted(
            name=str(told["name"]),
            subject=str(told["subject"]),
            verdict=str(told["verdict"]),
            date=datetime.fromisoformat(told["date"]).astimezone(UTC),
            score=None if told["score"] is None else float(told["score"]),
            confidence=float(told["confidence"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"{file}: {error!r}; make it anew with make vet") from error
