"""Processes of a stack whose supervisor was killed: found by proof, never by name, and ended."""

import contextlib
import signal
from pathlib import Path

import psutil

from mcp_local.board import read_board
from mcp_local.place import Place
from mcp_local.postgres_home import data_of
from mcp_local.valkey import pid_file

MARK = "MCP_STACK_RUN"  # every child has it in its environment, with the run folder as value
GENTLE_SECONDS = 8.0


def leftovers(here: Place) -> list[psutil.Process]:
    """What still runs of this run folder. Call it only while no supervisor does."""
    found = {process.pid: process for process in _marked(here.run)}
    found |= {process.pid: process for process in _recorded(here.state)}
    found |= {process.pid: process for process in _postmaster(here.run)}
    found |= {process.pid: process for process in _valkey(here.run / "valkey")}
    return list(found.values())


def _marked(run: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(run):
                found.append(process)
    return found


def _recorded(state: Path) -> list[psutil.Process]:
    board = read_board(state)
    found = []
    for part in board.parts.values() if board else ():
        if part.pid and part.created:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(part.pid)
                # a pid alone may by now be somebody else's
                if abs(process.create_time() - part.created) < 0.05:
                    found.append(process)
    return found


def _postmaster(run: Path) -> list[psutil.Process]:
    """PostgreSQL writes its title over its environment, so its own pid file is asked as well."""
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        data = data_of(run / "postgres")
        lines = (data / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        if lines[1] == str(data) and "postgres" in process.name():
            return [process]
    return []


def _valkey(folder: Path) -> list[psutil.Process]:
    """It, too, writes its title over its environment; its working folder is its own."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int(pid_file(folder).read_text()))
        if Path(process.cwd()) == folder:
            return [process]
    return []


def end(processes: list[psutil.Process]) -> None:
    """Gently first: SIGINT is the fast shutdown of PostgreSQL."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGINT if "postgres" in process.name() else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(processes, timeout=GENTLE_SECONDS)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=GENTLE_SECONDS)
