"""Git repositories with commits of chosen days by chosen people."""

import os
import subprocess
from datetime import datetime
from pathlib import Path

ANA = ("Ana", "ana@larkfield.example")
BEN = ("Ben", "ben@larkfield.example")
BOTS = (
    ("dependabot[bot]", "49699333+dependabot[bot]@users.noreply.github.com"),
    ("renovate-bot", "bot@renovateapp.com"),
    ("github-actions", "actions@github.com"),
)


def git(folder: Path, *words: str, at: datetime | None = None, by: tuple[str, str] = ANA) -> str:
    moment = at.isoformat() if at else "2026-01-01T00:00:00+00:00"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": moment,
        "GIT_COMMITTER_DATE": moment,
        "GIT_AUTHOR_NAME": by[0],
        "GIT_AUTHOR_EMAIL": by[1],
        "GIT_COMMITTER_NAME": "Merge queue",
        "GIT_COMMITTER_EMAIL": "queue@larkfield.example",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *words], env=env, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    return folder


def commit(folder: Path, at: datetime, by: tuple[str, str] = ANA, file: str = "README.md") -> None:
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    with (folder / file).open("a") as written:
        written.write(f"{at} {by}\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "work", at=at, by=by)
