"""`verify --export FILE --key ledger.pub`: the verifier that needs no database, from here."""

import argparse
import os
from pathlib import Path

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints.key import PUBLIC_NAME
from mcp_gateway.audit.offline import cli


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--export", metavar="FILE", help="an export instead of the database")
    command.add_argument("--key", type=Path, metavar="ledger.pub", help="to verify an export with")
    command.add_argument("--proof", type=Path, metavar="FILE", help="FILE.proof.json unless given")
    command.add_argument("--checkpoint-key", type=Path, metavar="checkpoint.pub")
    command.add_argument("--jobs", type=int, metavar="N", help="processes for an export")


def verify(options: argparse.Namespace) -> int:
    """Raises KeyFileError when no key is named."""
    folder = os.environ.get("GATEWAY_KEYS")
    if options.key is None and folder is None:
        raise keys.KeyFileError("--key ledger.pub says what to verify the export with")
    options.key = options.key or Path(folder or ".") / keys.PUBLIC_NAME
    beside = options.key.with_name(PUBLIC_NAME)
    options.checkpoint_key = options.checkpoint_key or (beside if beside.exists() else None)
    place = Path(options.checkpoints or "")
    own = options.checkpoints and options.checkpoint_key and any(place.glob("*/*"))
    options.checkpoints = place if own else None  # else those that the export brings
    options.receipt = [options.receipt] if options.receipt else []
    return cli.run(options)
