"""What a clone says: days of work, and the files that people look for. Runs nothing of the clone's.

The time of a clone is when it was fetched, not now: an old clone must not look like abandonment.
"""

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.identity import repository_of
from mcp_playbook.vet.licence import name_of
from mcp_playbook.vet.record import Source

KEPT_DAYS = 180
_BOT = re.compile(
    r"\[bot\]|^(?:dependabot|renovate|github-actions|greenkeeper|snyk)\b|[-_ ]bot\b", re.IGNORECASE
)
_POLICIES = ("SECURITY.md", ".github/SECURITY.md", "docs/SECURITY.md")
_LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING")
_QUIET = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false")
_SEPARATOR = "\x1f"


def collect(folder: Path, *, path: str = "", fetched: datetime | None = None) -> Source:
    """Read a clone; `path` for a package that is one folder of many, `fetched` where git lost it.

    Raises:
        NotHadError: it is no clone, or nobody can say how old it is.

    """
    if not (folder / ".git").exists():
        raise NotHadError(f"{folder.name} is no git repository")
    if not _git(folder, "rev-parse", "--absolute-git-dir"):
        raise NotHadError(f"git does not read {folder.name}: git -C FOLDER status says why")
    at = fetched or _fetched(folder)
    if at is None:
        raise NotHadError("git does not say when the clone was fetched; pass --fetched TIME")
    inside = path if path and (folder / path).is_dir() else ""
    shallow = _git(folder, "rev-parse", "--is-shallow-repository") == "true"
    data = {
        "origin": repository_of(_git(folder, "config", "--get", "remote.origin.url")) or None,
        "path": inside,
        "days": list(_days(folder, inside, at)),
        "shallow_since": _oldest(folder) if shallow else None,
        "names": sorted(names(folder / inside)),
        "licence": _licence(folder),
        "security_policy": any((folder / name).is_file() for name in _POLICIES),
    }
    return Source(data, "git log and files of a clone", at)


def _git(folder: Path, *words: str) -> str:
    """One git command that reads; what the clone's own settings would run is not run."""
    command = ["git", "--no-pager", *_QUIET, "-C", str(folder), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    return done.stdout.strip()


def _fetched(folder: Path) -> datetime | None:
    """The last fetch or the clone itself; now, for a repository that has no remote."""
    git = Path(_git(folder, "rev-parse", "--absolute-git-dir"))
    if not _git(folder, "remote"):
        return datetime.now(UTC)
    moments = []
    if (git / "FETCH_HEAD").is_file():
        moments.append(datetime.fromtimestamp((git / "FETCH_HEAD").stat().st_mtime, UTC))
    logs = [*(git / "logs" / "refs" / "remotes").rglob("*"), git / "logs" / "HEAD"]
    for log in logs:
        rows = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
        for row in rows:
            told = re.search(r"> (\d+) [+-]\d{4}\t(?:clone:|fetch|pull)", row)
            if told:
                moments.append(datetime.fromtimestamp(int(told[1]), UTC))
    return max(moments, default=None)


def _days(folder: Path, path: str, at: datetime) -> Iterator[dict[str, Any]]:
    """Days with commits by people up to the fetch; authors as numbers, nobody's address is kept."""
    since = at - timedelta(days=KEPT_DAYS)
    numbers: dict[str, int] = {}
    rows = _git(
        folder, "log", f"--since={since.isoformat()}", f"--until={at.isoformat()}",
        f"--format=%cI{_SEPARATOR}%aN{_SEPARATOR}%aE", "--", path or ".",
    )  # fmt: skip
    days: dict[str, list[int]] = {}
    for row in rows.splitlines():
        moment, _, author = row.partition(_SEPARATOR)
        name, _, address = author.partition(_SEPARATOR)
        if _BOT.search(name) or _BOT.search(address):
            continue
        day = datetime.fromisoformat(moment).astimezone(UTC).date().isoformat()
        days.setdefault(day, []).append(numbers.setdefault(address.lower(), len(numbers) + 1))
    for day, authors in sorted(days.items()):
        yield {"day": day, "commits": len(authors), "authors": sorted(set(authors))}


def _oldest(folder: Path) -> str:
    """The day a shallow clone begins."""
    dates = _git(folder, "log", "--format=%cI").splitlines()
    return datetime.fromisoformat(dates[-1]).astimezone(UTC).date().isoformat()


def names(folder: Path) -> Iterator[str]:
    """Package names in the manifests of the folder."""
    try:
        if (manifest := folder / "package.json").is_file():
            name = json.loads(manifest.read_text("utf-8")).get("name")
            yield from [str(name)] if name else []
        if (manifest := folder / "pyproject.toml").is_file():
            project = tomllib.loads(manifest.read_text("utf-8")).get("project") or {}
            name = re.sub(r"[-_.]+", "-", str(project.get("name") or "")).lower()
            yield from [name] if name else []
    except (OSError, ValueError, AttributeError, RecursionError):
        return


def _licence(folder: Path) -> str:
    for name in _LICENCES:
        if (folder / name).is_file():
            return name_of((folder / name).read_text("utf-8", "replace"))
    return ""
