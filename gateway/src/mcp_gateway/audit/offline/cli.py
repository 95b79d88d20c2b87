"""Verify an export of the ledger with the public key alone. Exit code 1 on any finding."""

import argparse
import json
import sys
from pathlib import Path

from mcp_gateway.audit.offline import proof
from mcp_gateway.audit.offline.checkpoints import signers
from mcp_gateway.audit.offline.trust import UnusableError, load
from mcp_gateway.audit.offline.verify import verify

SOUND, FOUND, UNUSABLE = 0, 1, 2
OLDEST = (3, 11)


def main(arguments: list[str] | None = None) -> int:
    given = sys.argv[1:] if arguments is None else arguments
    if sys.version_info < OLDEST:
        print("verify: needs Python 3.11 or later", file=sys.stderr)
        return UNUSABLE
    if given[:1] == ["build"]:
        return _build(given[1:])
    parser = argparse.ArgumentParser(prog="verify", description=__doc__)
    parser.add_argument("export", nargs="?", help="the file, or - for standard input")
    parser.add_argument(
        "--receipt", type=Path, action="append", default=[], metavar="FILE",
        help="a caller's receipt: its record must be in the export. Without one: is it genuine?",
    )  # fmt: skip
    parser.add_argument("--key", type=Path, required=True, metavar="ledger.pub")
    parser.add_argument("--proof", type=Path, help="default: EXPORT.proof.json, if there is one")
    parser.add_argument("--checkpoint-key", type=Path, metavar="checkpoint.pub")
    parser.add_argument("--checkpoints", type=Path, metavar="FOLDER", help="your own copy of them")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes; default: one per core")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(given)
    if options.export is not None:
        return run(options)
    if not options.receipt:
        parser.error("an export, or --receipt")
    return max(_genuine(path, options.key) for path in options.receipt)


def _genuine(receipt: Path, key: Path) -> int:
    try:
        wrong = proof.receipt(receipt, load(key))
    except UnusableError as error:
        print(f"verify: {error}", file=sys.stderr)
        return UNUSABLE
    print(f"FAILED  {wrong}" if wrong else "OK  a gateway signed the record of this receipt")
    return FOUND if wrong else SOUND


def run(options: argparse.Namespace) -> int:
    """Its `export`, `key`, `proof`, `receipt`, `checkpoint_key`, `checkpoints`, `jobs`, `json`."""
    try:
        trust = load(options.key)
        report, digest = verify(
            options.export,
            trust,
            jobs=options.jobs,
            signers=signers(options.checkpoint_key),
            checkpoints=options.checkpoints,
            receipts=options.receipt,
        )
        path = options.proof or proof.beside(options.export)
        if path is not None and digest:
            proof.check(path, digest, trust, report)
    except UnusableError as error:
        print(f"verify: {error}", file=sys.stderr)
        return UNUSABLE
    print(json.dumps(report.as_json(), indent=2) if options.json else report.text())
    return SOUND if report.sound else FOUND


def _build(given: list[str]) -> int:
    try:
        from mcp_gateway.audit.offline.build import build
    except ImportError:
        print("verify: this is the built file already", file=sys.stderr)
        return UNUSABLE
    parser = argparse.ArgumentParser(prog="python -m mcp_gateway.audit.offline build")
    parser.add_argument("--out", type=Path, default=Path("verify.pyz"))
    out: Path = parser.parse_args(given).out
    count = build(out)
    print(f"made: {out}, {count} files, {out.stat().st_size:,} bytes. On any machine with Python:")
    print(f"  python {out.name} EXPORT --key ledger.pub")
    return SOUND
