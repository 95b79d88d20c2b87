"""The dated file a review board keeps: one run of one week, as Markdown, JSON and HTML.

It says what was checked, against what, and when; it holds no secret and no token.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from mcp_playbook.checks.catalogue import WEEKS
from mcp_playbook.checks.check import KINDS, Outcome, State

STATES: tuple[State, ...] = ("pass", "fail", "not yet")


@dataclass(frozen=True)
class Evidence:
    week: int
    deployment: str
    date: str
    commit: str
    policy: str
    outcomes: Sequence[Outcome]

    def count(self, state: State) -> int:
        return sum(one.state == state for one in self.outcomes)

    def as_json(self) -> dict[str, Any]:
        return {
            "week": self.week,
            "title": WEEKS[self.week][0],
            "deployment": self.deployment,
            "date": self.date,
            "commit": self.commit,
            "policy": self.policy,
            "counts": {state: self.count(state) for state in STATES},
            "checks": [
                {
                    "id": one.check.id,
                    "title": one.check.title,
                    "kind": one.check.kind,
                    "state": one.state,
                    "evidence": one.evidence,
                    "next": one.do,
                    "controls": list(one.check.controls),
                    "seconds": round(one.seconds, 2),
                }
                for one in self.outcomes
            ],
        }


def gather(
    week: int, deployment: str, root: Path, policy: str, outcomes: Sequence[Outcome]
) -> Evidence:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Evidence(week, deployment, now, commit_of(root), policy, outcomes)


def commit_of(root: Path) -> str:
    """The commit checked out, and whether files differ from it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=root, check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


def write(evidence: Evidence, folder: Path) -> list[Path]:
    """Three files of one name; a second run on the same day gets a number."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = _free(folder, f"{evidence.date[:10]}-week-{evidence.week}")
    pages = Environment(
        loader=PackageLoader("mcp_playbook", "pages"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["cell"] = _cell
    shown = {"it": evidence, "title": WEEKS[evidence.week][0], "states": STATES, "kinds": KINDS}
    texts = {
        "json": json.dumps(evidence.as_json(), indent=2, ensure_ascii=False) + "\n",
        "md": pages.get_template("evidence.md.j2").render(shown),
        "html": pages.get_template("evidence.html.j2").render(shown),
    }
    written = []
    for kind, text in texts.items():
        file = folder / f"{stem}.{kind}"
        file.write_text(text, "utf-8")
        written.append(file)
    return written


def _free(folder: Path, stem: str) -> str:
    number, name = 1, stem
    while (folder / f"{name}.json").exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def _cell(text: str) -> str:
    """A Markdown table's cell: what was seen may hold any character."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    for mark in ("\\", "|", "`", "*", "_", "[", "]"):
        flat = flat.replace(mark, f"\\{mark}")
    return flat
