"""`python -m mcp_docs.load [--collection NAME] [--groups a,b] PATH…`: migrate, then load."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from mcp_docs.groups import is_group
from mcp_docs.load.pages import Defaults
from mcp_docs.load.run import NothingToLoadError, Report, load
from mcp_docs.migrate import migrate
from mcp_docs.settings import LoaderSettings
from mcp_shared.settings import StartError, read

SHOWN = 20  # skipped pages named one by one


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m mcp_docs.load",
        description="Load trees of Markdown, reStructuredText or HTML into the knowledge base. A "
        "load is the whole of every collection it names: pages no longer there are removed.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folder to load")
    parser.add_argument("--collection", help="one collection for all; else each sub-folder is one")
    parser.add_argument("--groups", help="who may read pages that do not say it: a,b or everyone")
    parser.add_argument("--owner", default="unknown", help="owner of pages that do not say it")
    parser.add_argument(
        "--classification", default="internal", choices=["public", "internal", "confidential"]
    )
    parser.add_argument(
        "--whole", action="store_true", help="remove the collections that no PATH names, too"
    )
    parser.add_argument("--txt", action="store_true", help="read .txt as reStructuredText")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a page was skipped")
    options = parser.parse_args(arguments)
    groups = [part.strip() for part in (options.groups or "").split(",") if part.strip()]
    if not all(map(is_group, groups)):
        parser.error("--groups: lower-case letters, digits and _.:/-, separated by commas")
    options.groups = tuple(groups) or None
    return options


async def _run(options: argparse.Namespace, settings: LoaderSettings) -> Report:
    connection = await asyncpg.connect(settings.admin_url)
    try:
        await migrate(connection, settings.ro_password)
        given = Defaults(
            root_name="",
            collection=options.collection,
            groups=options.groups,
            owner=options.owner,
            classification=options.classification,
            txt=options.txt,
        )
        return await load(
            connection, options.paths, given, datetime.now(UTC).date(), whole=options.whole
        )
    finally:
        await connection.close()


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    try:
        report = asyncio.run(_run(options, read(LoaderSettings)))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except NothingToLoadError as error:
        sys.stderr.write(f"docs: {error}; nothing was changed\n")
        return 2
    for skipped in report.skipped[:SHOWN]:
        sys.stderr.write(f"docs: skipped {skipped.path!r}: {skipped.why}\n")
    if len(report.skipped) > SHOWN:
        sys.stderr.write(f"docs: and {len(report.skipped) - SHOWN} more skipped\n")
    sys.stdout.write(
        f"docs: {report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.removed} removed, {len(report.skipped)} skipped "
        f"in {len(report.collections)} collections\n"
    )
    if report.others:
        names = ", ".join(list(report.others)[:SHOWN])
        sys.stdout.write(
            f"docs: left alone, because no path names them: {names} "
            f"({sum(report.others.values())} pages; --whole removes them)\n"
        )
    return 1 if options.strict and report.skipped else 0


if __name__ == "__main__":
    sys.exit(main())
