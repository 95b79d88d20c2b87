"""A project's entry in the Python index that pip is configured with, reduced to what is scored.

Reads the index's Simple API in its JSON form (PEP 691, 700, 740, 792) and the project's own JSON
where the index has it. No address of an index is kept.
"""

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from mcp_playbook.vet.collect.client import answer
from mcp_playbook.vet.collect.outcome import NoSuchPackageError, NotHadError
from mcp_playbook.vet.identity import repository_of
from mcp_playbook.vet.record import Source
from mcp_playbook.vet.subject import Subject

ASK = Path(__file__).parent / "ask_index.py"
_LABELS = ("source", "source code", "repository", "code", "github", "gitlab")
_FORGES = ("github.com/", "gitlab.com/", "codeberg.org/", "bitbucket.org/")
_HOSTS = {"GitHub": "github.com", "GitLab": "gitlab.com"}  # as PEP 740's publishers call them
_DIRECTORY = re.compile(r"/(?:-/)?tree/[^/]+/([\w./-]+)$")
_MCP_NAME = re.compile(r"mcp-name:\s*([\w.-]+/[\w.-]+)")
_INACTIVE = "Development Status :: 7 - Inactive"
_KNOWS_STATUS, _KNOWS_PROVENANCE = (1, 4), (1, 3)  # version of the Simple API


def collect(subject: Subject) -> tuple[Source, Source | None]:
    """The project's entry, and what the index says of known vulnerabilities, if anything.

    Raises:
        NoSuchPackageError: the index does not know the name or the version.
        NotHadError: the index cannot be asked.

    """
    return read(_asked(subject), subject)


def read(found: Mapping[str, Any], subject: Subject) -> tuple[Source, Source | None]:
    """The same, from the index's answers."""
    now = datetime.now(UTC)
    told = f"Python index, {subject.name}"
    entry = reduced(found, subject)
    about = _body(found, "version") or _body(found, "about")
    said = (about or {}).get("vulnerabilities")
    vulnerable = None
    if isinstance(said, list) and about and _version(about) == entry["version"]:
        vulnerable = Source(_vulnerabilities(said, about, entry), told, now)
    return Source(entry, told, now), vulnerable


def _asked(subject: Subject) -> dict[str, Any]:
    command = [sys.executable, "-I", str(ASK), subject.name, subject.version or ""]
    code, out, error = answer(command)
    if code != 0:
        last = re.sub(r"https?://\S+", "it", (error.strip().splitlines() or ["no word"])[-1])
        raise NotHadError(f"pip could not ask its index: {last}")
    try:
        return dict(json.loads(out))
    except (ValueError, TypeError) as wrong:
        raise NotHadError("the index answered something that is no JSON") from wrong


def reduced(found: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    files, about = _body(found, "files"), _body(found, "version") or _body(found, "about")
    status = found["files"]["status"]
    if status == 404:
        raise NoSuchPackageError(f"The Python index has no {subject.name}.")
    if files is None:
        raise NotHadError(f"the index answered {status}, without the Simple API's JSON")
    releases = _releases(files, _body(found, "about") or {})
    version = subject.version or _latest(releases)
    if version not in {one["version"] for one in releases}:
        raise NoSuchPackageError(f"The Python index has no {subject.name} {version}.")
    info = (about or {}).get("info") or {}
    repository, directory = _repository(info)
    spoken = _api(files)
    provenance = _body(found, "provenance")
    state = (files.get("project-status") or {}).get("status")
    if _INACTIVE in (info.get("classifiers") or ()):
        state = "archived"
    return {
        "name": subject.name,
        "version": version,
        "licence": None if about is None else _licence(info),
        "repository": None if about is None else repository,
        "directory": directory,
        "mcp_name": match[1]
        if (match := _MCP_NAME.search(info.get("description") or ""))
        else None,
        "deprecated": None,
        "status": state or ("active" if spoken >= _KNOWS_STATUS else None),
        "dated": all(one["time"] for one in releases),
        "attested": provenance is not None or (False if spoken >= _KNOWS_PROVENANCE else None),
        "publisher": _publisher(provenance),
        "releases": releases,
    }


def _body(found: Mapping[str, Any], what: str) -> dict[str, Any] | None:
    reply = found.get(what) or {}
    body = reply.get("body")
    return body if reply.get("status") == 200 and isinstance(body, dict) else None


def _version(about: Mapping[str, Any]) -> str:
    return str((about.get("info") or {}).get("version"))


def _api(files: Mapping[str, Any]) -> tuple[int, ...]:
    text = str((files.get("meta") or {}).get("api-version", "1.0"))
    return tuple(int(piece) for piece in text.split(".") if piece.isdigit())


def _releases(files: Mapping[str, Any], about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each version once, with its first upload; yanked when all of its files are."""
    rows: dict[str, list[tuple[str, bool]]] = {}
    for version, uploads in (about.get("releases") or {}).items():
        for one in uploads:
            row = (str(one.get("upload_time_iso_8601") or ""), bool(one.get("yanked")))
            rows.setdefault(version, []).append(row)
    known = sorted(files.get("versions") or (), key=len, reverse=True)
    for one in files.get("files") or ():
        version = next((v for v in known if _is_of(one["filename"], v)), None)
        if version and version not in (about.get("releases") or {}):
            row = (str(one.get("upload-time") or ""), bool(one.get("yanked")))
            rows.setdefault(version, []).append(row)
    return [
        {"version": version, "time": min(t for t, _ in them), "yanked": all(y for _, y in them)}
        for version, them in sorted(rows.items(), key=lambda one: min(t for t, _ in one[1]))
    ]


def _is_of(filename: str, version: str) -> bool:
    return f"-{version}-" in filename or filename.endswith(
        (f"-{version}.tar.gz", f"-{version}.zip")
    )


def _latest(releases: list[dict[str, Any]]) -> str:
    """As pip chooses: the highest final version that was not yanked."""
    found = []
    for one in releases:
        try:
            version = Version(one["version"])
        except InvalidVersion:
            continue
        found.append((not one["yanked"], not version.is_prerelease, version, one["version"]))
    return str(max(found)[3]) if found else ""


def _licence(info: Mapping[str, Any]) -> str:
    stated = str(info.get("license_expression") or info.get("license") or "").strip()
    if stated and "\n" not in stated and len(stated) < 100:
        return stated
    for one in info.get("classifiers") or ():
        if one.startswith("License ::"):
            return str(one.rpartition(" :: ")[2])
    return stated.splitlines()[0][:100] if stated else ""


def _repository(info: Mapping[str, Any]) -> tuple[str, str]:
    """Its address, and the folder in it when the link names one."""
    links = {
        str(label).lower(): str(url) for label, url in (info.get("project_urls") or {}).items()
    }
    links.setdefault("homepage", str(info.get("home_page") or ""))
    named = [links[label] for label in _LABELS if label in links]
    hosted = [url for url in links.values() if repository_of(url).startswith(_FORGES)]
    for url in (*named, *hosted):
        if address := repository_of(url):
            inside = _DIRECTORY.search(url)
            return f"https://{address}", inside[1].strip("/") if inside else ""
    return "", ""


def _publisher(provenance: Mapping[str, Any] | None) -> str | None:
    """The repository whose workflow published it, as the attestation names it."""
    for bundle in (provenance or {}).get("attestation_bundles") or ():
        publisher = bundle.get("publisher") or {}
        host = _HOSTS.get(str(publisher.get("kind")))
        if host and publisher.get("repository"):
            return repository_of(f"https://{host}/{publisher['repository']}") or None
    return None


def _vulnerabilities(
    said: list[dict[str, Any]], about: Mapping[str, Any], entry: Mapping[str, Any]
) -> dict[str, Any]:
    addresses = [str(one.get("url", "")) for one in about.get("urls") or ()]
    whole = bool(addresses) and all(urlsplit(one).scheme for one in addresses)
    return {
        # a copy speaks an older API, or names files by other addresses, and may pass less on
        "complete": whole and entry["status"] is not None,
        "found": [
            {"id": str(one["id"]), "severity": one.get("severity")}
            for one in said
            if not one.get("withdrawn")
        ],
    }
