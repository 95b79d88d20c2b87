"""The command line of the auditor: what to audit, from where, and where the report goes."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from mcp_playbook.vet import REPORT
from mcp_playbook.vet import record as records
from mcp_playbook.vet.audit import audit
from mcp_playbook.vet.collect.files import ATTACHABLE
from mcp_playbook.vet.collect.outcome import NoSuchPackageError, NotHadError
from mcp_playbook.vet.gather import Wanted, gather, name_of_clone
from mcp_playbook.vet.quoting import unquoted
from mcp_playbook.vet.record import RecordError
from mcp_playbook.vet.report import as_json, as_markdown, as_text
from mcp_playbook.vet.subject import FORMS, Subject, SubjectError, parse
from mcp_playbook.vet.verdict import verdict

EPILOG = """\
examples:
  python -m mcp_playbook.vet pypi:mcp-server-git --run
  python -m mcp_playbook.vet npm:@scope/server --run --argument /tmp --clone ../server \\
      --record playbook/vetted/server --save
  python -m mcp_playbook.vet --record playbook/vetted/server      (offline, recorded)
"""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mcp_playbook.vet", description="Audit a public MCP server before you trust it.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("subject", nargs="?", default="", help=FORMS)
    add("--record", type=Path, metavar="FOLDER", help="recorded data; without --save, offline")
    add(
        "--save",
        action="store_true",
        help="collect anew into --record, and write the reports there",
    )
    add("--no-texts", action="store_true", help="save hashes and scores of definitions, not texts")
    add("--clone", type=Path, metavar="FOLDER", help="a clone of its repository")
    add("--fetched", type=datetime.fromisoformat, metavar="TIME", help="when the clone was fetched")
    add(
        "--tools",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="tools/list as a file",
    )
    add("--tasks", type=Path, metavar="FILE", help="results of your own 10 to 50 tasks")
    add("--add", action="append", default=[], metavar="NAME=FILE",
        help=f"a recorded answer: {', '.join(ATTACHABLE)}")  # fmt: skip
    add("--mcp-registry", metavar="URL", help="an MCP registry to ask")
    add("--mcp-name", metavar="NAME", help="its name there, when the package does not say")
    add(
        "--run",
        action="store_true",
        help="install it aside, run it sealed off, take its tools/list",
    )
    add("--entry", metavar="NAME", help="with --run: which command of the package")
    add(
        "--argument", action="append", default=[], metavar="WORD", help="with --run: for the server"
    )
    add("--env", action="append", default=[], metavar="NAME=VALUE",
        help="with --run: placeholders that it insists on, never a secret")  # fmt: skip
    add("--name", help="what the report is called; else the record's folder")
    add("--out", type=Path, action="append", default=[], metavar="FILE", help="a .md or .json file")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    parser = arguments()
    told = parser.parse_args(words)
    if told.save and told.record is None:
        parser.error("--save needs --record FOLDER")
    if wrong := [file for file in told.out if file.suffix not in {".md", ".json"}]:
        parser.error(f"--out {wrong[0]}: expected a .md or .json file")
    try:
        wanted = _wanted(told)
        found = asyncio.run(gather(wanted))
    except (SubjectError, NotHadError, NoSuchPackageError, RecordError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if told.no_texts:
        found = unquoted(found)
    judged = audit(found)
    reached = verdict(judged)
    name = told.name or (told.record.resolve().name if told.record else found.subject.name)
    document = json.dumps(as_json(name, judged, reached), indent=1, ensure_ascii=True) + "\n"
    markdown = as_markdown(name, judged, reached)
    files = list(told.out)
    if told.save:
        records.save(found, told.record)
        files += [told.record / REPORT, told.record / "report.md"]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document if file.suffix == ".json" else markdown, "utf-8")
    sys.stdout.write(as_text(judged, reached) + "\n")
    return 0


def _wanted(told: argparse.Namespace) -> Wanted:
    subject, clone, folder = _subject(told)
    return Wanted(
        subject=subject,
        folder=folder,
        live=told.save or folder is None,
        run=told.run,
        entry=told.entry,
        arguments=told.argument,
        env=dict(_pair(text) for text in told.env),
        clone=told.clone or clone,
        fetched=told.fetched.astimezone() if told.fetched else None,
        tools=told.tools,
        tasks=told.tasks,
        attached={name: Path(file) for name, file in map(_attachment, told.add)},
        mcp_registry=told.mcp_registry,
        mcp_name=told.mcp_name,
    )


def _subject(told: argparse.Namespace) -> tuple[Subject, Path | None, Path | None]:
    """What is audited, a clone to read, a record folder; a lone folder is one of the two."""
    place = Path(told.subject) if told.subject else None
    if place is not None and place.is_dir():
        if records.is_record(place):
            return records.read(place).subject, None, place
        return Subject("clone", name_of_clone(place)), place, told.record
    if place is not None:
        return parse(told.subject), None, told.record
    if told.record is None:
        raise SubjectError(f"Nothing to audit. Name it: {FORMS}; or --record FOLDER.")
    return records.read(told.record).subject, None, told.record


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise SubjectError(f"--env {text!r}: expected NAME=VALUE")
    return name, value


def _attachment(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not equals or name not in ATTACHABLE:
        raise SubjectError(f"--add {text!r}: expected one of {', '.join(ATTACHABLE)}, = and a file")
    return name, file
