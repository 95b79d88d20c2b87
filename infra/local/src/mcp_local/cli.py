"""The commands of `python -m mcp_local`: parses, loads the stack, calls one function."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mcp_gateway.configuration.settings import ConfigError
from mcp_local import control, logs, screen
from mcp_local.allocation import PortBusyError
from mcp_local.backup import BackupError
from mcp_local.backup_tools import ToolError
from mcp_local.board import READY, read_board
from mcp_local.load import Stack, load
from mcp_local.lock import LockHeldError, held
from mcp_local.logs import NoLogError
from mcp_local.place import KEPT, NoRepositoryError, prepare, remove_data
from mcp_local.ports import NoFreePortError
from mcp_local.postgres_home import PostgresMissingError
from mcp_local.stack_toml import StackTomlError

# what a person can mend: said in words, without a traceback
FORESEEN = (
    control.StackError, PortBusyError, NoLogError, NoRepositoryError, PostgresMissingError,
    StackTomlError, ConfigError, NoFreePortError, LockHeldError, PermissionError, LookupError,
    ValueError, BackupError, ToolError,
)  # fmt: skip


def up(stack: Stack, args: argparse.Namespace) -> int:
    from mcp_local import up as command

    return command.up(stack, calls=not args.no_calls)


def down(stack: Stack, _: argparse.Namespace) -> int:
    was_running = control.stop(stack.here)
    screen.console.print(
        f"Stopped; the data stays in {_folder(stack)} (`make clean` removes it)."
        if was_running
        else "Nothing was running."
    )
    return 0


def clean(stack: Stack, _: argparse.Namespace) -> int:
    from mcp_local import postgres

    control.stop(stack.here)
    postgres.remove(stack.here.run / "postgres")
    remove_data(stack.here)
    kept = sorted(name for name in KEPT if (stack.here.run / name).is_dir())
    told = f" Kept in {_folder(stack)}: {', '.join(kept)}." if kept else ""
    screen.console.print(f"Stopped; data, logs and secrets are removed.{told}")
    return 0


def _folder(stack: Stack) -> str:
    run, root = stack.here.run, stack.here.root
    return f"{run.relative_to(root) if run.is_relative_to(root) else run}"


def ps(stack: Stack, _: argparse.Namespace) -> int:
    board = read_board(stack.here.state)
    if control.supervisor_pid(stack.here) is None or board is None:
        screen.console.print("Nothing runs; `make up` starts the stack.")
        return 1
    screen.console.print(screen.table(board, stack.here))
    for part in board.parts.values():
        if part.trouble:
            screen.console.print("\n" + control.trouble(part, stack.here.logs), markup=False)
    return 0 if all(part.status in READY for part in board.parts.values()) else 1


def show_logs(stack: Stack, args: argparse.Namespace) -> int:
    logs.show(stack.here, args.name, follow=args.follow, lines=args.lines)
    return 0


def restart(stack: Stack, args: argparse.Namespace) -> int:
    control.restart(stack.here, args.name)
    screen.console.print(f"{args.name} was started anew and is well.")
    return 0


def env(stack: Stack, args: argparse.Namespace) -> int:
    """With a command, run it in the environment of a part; without, print that environment."""
    from mcp_local.environment import of_process

    part = stack.plan.part(args.name)
    if control.supervisor_pid(stack.here) is None:
        told = "The stack does not run; `make up` starts it."
        if not stack.here.ports.is_file():
            raise control.StackError(told)
        sys.stderr.write(f"{told}\n")  # not insisted on: the command may need none of it
    filler = stack.filler()
    if args.command:
        command = filler.command(tuple(args.command), part)
        os.execvpe(command[0], command, of_process(part, filler))  # noqa: S606  no shell wanted
    for key, value in filler.environment(part.env, part).items():
        sys.stdout.write(f"{key}={shlex.quote(value)}\n")
    return 0


def supervise(stack: Stack, _: argparse.Namespace) -> int:
    from mcp_local import supervisor

    prepare(stack.here)
    fingerprint = control.fingerprint(stack.here, stack.plan)
    supervisor.run(stack.here, stack.plan, stack.filler(), fingerprint)
    return 0


def demo(stack: Stack, _: argparse.Namespace) -> int:
    from mcp_local import demo as command

    return command.demo(stack)


def connect(stack: Stack, _: argparse.Namespace) -> int:
    from mcp_local import clients

    clients.show(stack.here)
    return 0


def doctor(stack: Stack, _: argparse.Namespace) -> int:
    from mcp_local import doctor as command

    return command.run(stack)


def folders(stack: Stack, _: argparse.Namespace) -> int:
    for server in stack.plan.servers():
        sys.stdout.write(f"{server.folder}\n")
    return 0


def backup(stack: Stack, args: argparse.Namespace) -> int:
    from mcp_local import backup_command as command

    return command.backup(stack, args.to, args.keys)


def restore(stack: Stack, args: argparse.Namespace) -> int:
    from mcp_local import backup_command as command

    return command.restore(stack, args.source, args.keys, args.checkpoints, replace=args.replace)


def tools_lock(stack: Stack, _: argparse.Namespace) -> int:
    from mcp_local import tools_lock as command

    return command.write(stack)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mcp_local", description=__doc__)
    commands = parser.add_subparsers(required=True)

    def command(
        run: Callable[[Stack, argparse.Namespace], int], name: str, text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text)
        added.set_defaults(run=run)
        return added

    starting = command(up, "up", "start everything and show what it does")
    starting.add_argument("--no-calls", action="store_true", help="leave the governed calls out")
    command(down, "down", "stop everything, keep the data")
    command(clean, "clean", "stop everything, remove the data")
    command(ps, "ps", "what runs")
    reading = command(show_logs, "logs", "the log files")
    reading.add_argument("name", nargs="?")
    reading.add_argument("--follow", action="store_true")
    reading.add_argument("--lines", type=int, default=20)
    command(restart, "restart", "start one part anew").add_argument("name")
    environment = command(env, "env", "a part's environment, or a command in it")
    environment.add_argument("name")
    environment.add_argument("command", nargs=argparse.REMAINDER)
    command(supervise, "supervise", "the supervisor itself, in the foreground")
    command(demo, "demo", "the governed calls, and the question across servers")
    command(connect, "connect", "client configurations to paste")
    command(doctor, "doctor", "what is wrong, and what to do about it")
    saving = command(backup, "backup", "all databases, and the keys in another folder")
    saving.add_argument("--to", type=Path, metavar="FOLDER")
    saving.add_argument("--keys", type=Path, metavar="FOLDER")
    restoring = command(restore, "restore", "all databases and keys from a backup")
    restoring.add_argument("--from", dest="source", type=Path, metavar="FOLDER", required=True)
    restoring.add_argument("--keys", type=Path, metavar="FOLDER")
    restoring.add_argument("--checkpoints", metavar="PLACE", help="what was seen of the ledger")
    restoring.add_argument("--replace", action="store_true", help="remove the databases there are")
    command(folders, "folders", "the folders of the listed servers")
    command(tools_lock, "tools-lock", "pin the tool definitions of the listed servers")
    return parser


def main(arguments: Sequence[str]) -> int:
    args = _parser().parse_args(arguments)
    try:
        stack = load()
        if args.run in (up, down, clean, restore):
            prepare(stack.here)
            with held(stack.here.run / "command.lock", wait=True):
                return int(args.run(stack, args))
        return int(args.run(stack, args))
    except FORESEEN as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        if args.run is up:
            sys.stderr.write("\nWhat has started goes on in the background: make ps, make down.\n")
        return 130
