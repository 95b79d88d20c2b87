"""`python -m mcp_playbook.upgrade`: take another version of the kit, or put a backup back."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from mcp_gateway.audit.keys import KeyFileError
from mcp_gateway.audit.waiting import LedgerDown
from mcp_local.cli import FORESEEN
from mcp_local.load import Stack, load
from mcp_playbook.upgrade import run, words
from mcp_playbook.upgrade.backup import BackupError
from mcp_playbook.upgrade.git import Git, GitError
from mcp_playbook.upgrade.look import UsageError
from mcp_playbook.upgrade.merge import MergeError
from mcp_playbook.upgrade.restore import restore
from mcp_playbook.upgrade.run import NOT_DONE, UNUSABLE
from mcp_playbook.upgrade.state import StateError

REFUSED = (
    BackupError, GitError, MergeError, StateError, KeyFileError, LedgerDown, asyncpg.PostgresError,
    OSError, *FORESEEN,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        stack = load()
        return _asked(stack, Git(stack.here.root), options)
    except UsageError as error:
        words.complain(f"upgrade: {error}")
        return UNUSABLE
    except REFUSED as error:
        words.complain(f"\nupgrade: {error}")
        return NOT_DONE
    except KeyboardInterrupt:
        words.complain("\nInterrupted. The same command goes on where it stood.")
        return 130


def _asked(stack: Stack, git: Git, options: argparse.Namespace) -> int:
    if options.restore is not None:
        saved, said = restore(stack, options.restore, git.text("rev-parse", "HEAD"))
        words.say(f"Restored {', '.join(saved.files)}. What was there before: {saved.folder}")
        words.say(said or "The ledger's checkpoints went there, too; the next start begins anew.")
        words.say("Now the files (git reset --keep <commit of the backup>), then `make up`.")
        return run.DONE
    if options.after:
        return run.finish(stack, git)
    if options.check:
        return run.check(stack, git, options.to, options.since)
    return run.upgrade(stack, git, options.to, options.since, options.rights)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.upgrade", description=__doc__)
    parser.add_argument("to", nargs="?", default="", metavar="TO", help="tag or commit of the kit")
    parser.add_argument("--check", action="store_true", help="say what would happen, move nothing")
    parser.add_argument(
        "--from", dest="since", metavar="REF", help="the version this clone is from"
    )
    parser.add_argument("--rights", metavar="VERSION", help="the policy version you agree to")
    parser.add_argument("--restore", type=Path, metavar="FOLDER", help="put a backup back")
    parser.add_argument("--after", action="store_true", help=argparse.SUPPRESS)
    return parser
