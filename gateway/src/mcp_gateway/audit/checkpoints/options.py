"""`verify --checkpoints PLACE --pin FILE`: reads them first, and remembers the last one it saw."""

import argparse
import os
import sys
from pathlib import Path

from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import keeper
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.checkpoints.note import NoteError
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.keys import KeyFileError

VARIABLE = "GATEWAY_CHECKPOINTS"


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--checkpoints",
        metavar="PLACE",
        default=os.environ.get(VARIABLE) or None,
        help=f"a directory or s3://bucket/prefix; {VARIABLE} unless given",
    )
    command.add_argument(
        "--pin",
        type=Path,
        metavar="FILE",
        help=f"keeps the last checkpoint seen; {checkpoint_check.PIN_NAME} beside the public keys",
    )


def witnessed(options: argparse.Namespace, folder: Path) -> Witnessed | None:
    """What the place holds; None where none is named.

    Raises:
        OSError, KeyFileError: it, or the key to read it with, cannot be read.

    """
    if options.checkpoints is None:
        return None
    trusted = checkpoint_key.verifiers(folder / checkpoint_key.PUBLIC_NAME)
    file = _pin(options, folder)
    try:
        return checkpoint_check.read(
            keeper.opened(options.checkpoints), trusted, checkpoint_check.pinned(file)
        )
    except NoteError as error:
        raise KeyFileError(f"{file}: the checkpoint seen last: {error}") from error


def remember(options: argparse.Namespace, folder: Path, found: Witnessed | None) -> None:
    """Only what was sound: an older or another line of checkpoints must stay refused."""
    if found is None or found.note is None or found.findings:
        return
    file = _pin(options, folder)
    try:
        checkpoint_check.pin(file, found.note)
    except OSError as error:
        sys.stderr.write(f"audit: the last checkpoint is not remembered: {error}; give --pin\n")


def told(report: Report) -> list[str]:
    """What was compared, for a person."""
    found = report.checkpoints
    if found is None:
        return ["    not covered without checkpoints: a cut tail, a segment removed as a whole"]
    last = f"{found['last']:%Y-%m-%d %H:%M:%S} UTC" if found["last"] else "none"
    size = f"{found['written']:,} checkpoints with {found['leaves']:,} heads"
    lines = [f"    {size}, last: {last}; every head is there"]
    if found["blocks_since"]:
        lines.append(
            f"    {found['blocks_since']:,} blocks are newer: receipts alone show one cut off"
        )
    return lines


def _pin(options: argparse.Namespace, folder: Path) -> Path:
    given: Path | None = options.pin
    return given or folder / checkpoint_check.PIN_NAME
