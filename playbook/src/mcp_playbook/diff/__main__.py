"""`python -m mcp_playbook.diff [NAME]`: what changed in the definitions, for whoever reviews it."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mcp_gateway.configuration.settings import ConfigError, from_environment
from mcp_local.place import NoRepositoryError, place
from mcp_playbook.diff import live, sources
from mcp_playbook.diff.definitions import compare
from mcp_playbook.diff.report import as_json, is_breaking, legend, lines
from mcp_playbook.lint.sources import SourceError, listed

CLEAN, FOUND, USAGE = 0, 1, 2  # FOUND: something breaking, or with --any something at all

Side = Callable[[str, Path], sources.Document]


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        root = Path() if given.files else place().root
        before, after, sides, folders = _sides(given, root)
        found = {
            server: compare(*sources.alike(sides[0](server, folder), sides[1](server, folder)))
            for server, folder in folders.items()
        }
    except (SourceError, NoRepositoryError, ConfigError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    if given.json:
        print(json.dumps(as_json(found, before, after), indent=2, ensure_ascii=False))
    else:
        print(f"from {before} to {after}")
        for server, changes in found.items():
            print("\n".join(lines(server, changes)))
        print("\n".join(legend(found)))
    failing = any(changes if given.any else is_breaking(changes) for changes in found.values())
    return FOUND if failing else CLEAN


def _sides(
    given: argparse.Namespace, root: Path
) -> tuple[str, str, tuple[Side, Side], dict[str, Path]]:
    if given.files:
        old, new = given.files
        name = given.name or Path(new).stem
        both: tuple[Side, Side] = (lambda *_: sources.of_file(old), lambda *_: sources.of_file(new))
        return str(old), str(new), both, {name: Path()}
    folders = listed(root, with_server=given.name)
    if given.name:
        folders = {given.name: folders[given.name]}
    lock: Side = lambda _, folder: sources.pinned(folder)  # noqa: E731  beside its like
    if given.url:
        if len(folders) != 1:
            raise SourceError("URL=… is one server's: say which by NAME=…")
        token = os.environ.get("MCP_TOKEN")
        return (
            "the lock",
            given.url,
            (lock, lambda *_: asyncio.run(sources.of_url(given.url, token))),
            folders,
        )
    if given.live:
        made = from_environment()
        return (
            "the lock",
            "what runs",
            (lock, lambda name, _: asyncio.run(live.served(made, name))),
            folders,
        )
    if given.code:
        return (
            "the lock",
            "the code",
            (lock, lambda name, folder: sources.of_code(root, name, folder)),
            folders,
        )
    return (
        given.ref,
        "the lock",
        (lambda _, folder: sources.committed(root, folder, given.ref), lock),
        folders,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.diff", description=__doc__)
    parser.add_argument("name", nargs="?", help="one server of gateway.yaml; all without")
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--ref", default="HEAD", help="the lock against that of this commit")
    other.add_argument("--code", action="store_true", help="the lock against what the code serves")
    other.add_argument("--live", action="store_true", help="the lock against what runs here")
    other.add_argument("--url", help="the lock against what an address lists (MCP_TOKEN)")
    other.add_argument("--files", nargs=2, type=Path, metavar=("OLD", "NEW"), help="two files")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--any", action="store_true", help="fail on any change, not breaking ones")
    return parser


if __name__ == "__main__":
    sys.exit(main())
