"""What a tag must agree with before anything is published under it, and the notes it gets.

`python3 infra/checks/src/infra_checks/release.py v0.2.0` prints the notes, or says what disagrees
and ends with 1. Runs with any Python 3.11 and its standard library: it stands in the release
workflow before anything is installed. Publishes nothing.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

TAG = re.compile(r"v(\d+\.\d+\.\d+)")
HEADING = re.compile(r"^## \[?(?P<name>[^\]\s]+)\]?.*$", re.MULTILINE)
GATEWAY = "gateway/src/mcp_gateway"
# where the version is written; the pattern's first group is it
PLACES = {
    f"{GATEWAY}/listing/discovery.py": re.compile(r'SERVER_INFO = .*"version": "([^"]+)"'),
    f"{GATEWAY}/upstream/outgoing.py": re.compile(r'GATEWAY_INFO = .*"version":"([^"]+)"'),
}


class NotReleasableError(Exception):
    """What disagrees with the tag, a line each."""


def notes(root: Path, tag: str) -> str:
    """The changelog's section of this version.

    Raises:
        NotReleasableError: the tag is no version, or a file says another one.

    """
    found = TAG.fullmatch(tag)
    if found is None:
        raise NotReleasableError(f"{tag}: a release's tag is v and three numbers, such as v0.2.0")
    version = found[1]
    problems = [*disagreeing(root, version)]
    text = section((root / "CHANGELOG.md").read_text("utf-8"), version)
    if not text:
        problems.append(f"CHANGELOG.md: has no section {version}, or nothing in it")
    if problems:
        raise NotReleasableError("\n".join(problems))
    return text


def disagreeing(root: Path, version: str) -> Iterator[str]:
    said = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    if said != version:
        yield f"pyproject.toml: says {said}, not {version}"
    for name, pattern in PLACES.items():
        found = pattern.search((root / name).read_text("utf-8"))
        if found is None:
            yield f"{name}: the version is not where it was; mend PLACES in release.py"
        elif found[1] != version:
            yield f"{name}: says {found[1]}, not {version}"


def section(changelog: str, version: str) -> str:
    """What stands under `## 0.2.0`, up to the next heading of that level."""
    headings = list(HEADING.finditer(changelog))
    for number, heading in enumerate(headings):
        if heading["name"] == version:
            end = headings[number + 1].start() if number + 1 < len(headings) else len(changelog)
            return changelog[heading.end() : end].strip()
    return ""


def main() -> int:
    if len(sys.argv) != 2:
        sys.stderr.write("release.py TAG\n")
        return 2
    try:
        sys.stdout.write(notes(Path.cwd(), sys.argv[1]) + "\n")
    except NotReleasableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
