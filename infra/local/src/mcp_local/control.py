"""Start, await and stop the supervisor of a stack; `make` and the tests both use this."""

import contextlib
import hashlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mcp_local import leftovers, logfile
from mcp_local.allocation import allocate
from mcp_local.board import READY, Board, PartState, read_board
from mcp_local.lock import holder
from mcp_local.place import Place, prepare, remember
from mcp_local.plan import Part, Plan

STOP_SECONDS = 45.0  # every part may take its gentle time, one level after the other
START_SECONDS = 300.0  # the first load of data on a slow machine
POLL_SECONDS = 0.1
SECRET = re.compile(r"\{secret:([A-Za-z0-9_.-]+)\}")
ROLE = re.compile(r"\{postgres:[A-Za-z0-9_.-]+:([A-Za-z0-9_.-]+)\}")


class StackError(RuntimeError):
    """The stack did not do what was asked; the message says which part and why."""


def supervisor_pid(here: Place) -> int | None:
    return holder(here.run / "supervisor.lock")


def fingerprint(here: Place, plan: Plan) -> str:
    """What a running stack was started from; `make up` starts anew when it has changed."""
    choices = (here.gateway_port, here.issuer_port, here.scale, here.database_url, here.redis_url)
    named = tuple(os.environ.get(part.unless) for part in plan.parts if part.unless)
    code = _code(here, plan)
    return hashlib.sha256(f"{plan.fingerprint}{choices}{named}{code}".encode()).hexdigest()[:16]


def own_secrets(plan: Plan) -> dict[str, Part]:
    """Secrets that a server names and nothing else does: those of systems that are not ours.

    A role's password is ours: its own part sets it, and signs in with it.
    """
    named: dict[str, list[Part]] = {}
    ours: set[str] = set()
    for part in plan.parts:
        texts = tuple(part.texts())
        for name in {name for text in texts for name in SECRET.findall(text)}:
            named.setdefault(name, []).append(part)
        ours |= {f"postgres-{role}" for text in texts for role in ROLE.findall(text)}
    return {
        name: parts[0]
        for name, parts in named.items()
        if len(parts) == 1 and parts[0].kind == "server" and name not in ours
    }


def insist_on_secrets(here: Place, plan: Plan) -> None:
    """A made-up secret would be sent to somebody's system, and refused there."""
    for name, part in own_secrets(plan).items():
        if not (here.secrets / name).is_file():
            raise StackError(
                f"{part.folder / 'stack.toml'}: there is no secret {name!r}.\n"
                f"Put it, and nothing else, into {here.secrets / name} (mode 0600)."
            )


def _code(here: Place, plan: Plan) -> str:
    """The sources and secrets the processes run with: what was just edited must hold."""
    rooms = {here.root / "shared", here.root / "gateway", *(part.folder for part in plan.parts)}
    rooms |= set((here.root / "infra" / "sandbox").glob("*"))
    digest = hashlib.sha256()
    secrets = [here.secrets / name for name in own_secrets(plan)]
    sources = (file for room in rooms for file in room.glob("src/**/*"))
    for file in sorted([*sources, *secrets]):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(f"{file}".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def environment(here: Place) -> dict[str, str]:
    """How a command started elsewhere finds the same stack."""
    given = {"DATABASE_URL": here.database_url, "REDIS_URL": here.redis_url}
    return {
        **os.environ,
        **{name: url for name, url in given.items() if url},
        "STACK_ROOT": str(here.root),
        "STACK_RUN": str(here.run),
        "STACK_GATEWAY_PORT": str(here.gateway_port),
        "STACK_ISSUER_PORT": str(here.issuer_port),
        "STACK_SCALE": here.scale,
        "STACK_TLS": "1" if here.tls else "0",
        "STACK_IDP": here.idp,
        "STACK_REPLICAS": str(here.replicas),
    }


def start(here: Place, plan: Plan) -> None:
    """Start a supervisor in the background, after whatever an earlier one left behind is gone."""
    prepare(here)
    remember(here)
    leftovers.end(leftovers.leftovers(here))
    here.state.unlink(missing_ok=True)
    here.stack.unlink(missing_ok=True)
    allocate(here, plan)
    log = logfile.opened(here.logs / "supervisor.log")
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "mcp_local", "supervise"],
            cwd=here.root, env=environment(here), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(log)
    # reaped when it ends, for as long as this process lives
    threading.Thread(target=process.wait, daemon=True).start()
    deadline = time.monotonic() + 15
    while read_board(here.state) is None or supervisor_pid(here) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            words = "\n".join(logfile.tail(here.logs / "supervisor.log"))
            raise StackError(f"The supervisor did not start:\n{words}")
        time.sleep(POLL_SECONDS / 5)


def wait_ready(here: Place, show: Callable[[Board], None], within: float = START_SECONDS) -> Board:
    """Returns once every part is well; raises naming the part that will not be."""
    deadline = time.monotonic() + within
    while True:
        if supervisor_pid(here) is None:
            words = "\n".join(logfile.tail(here.logs / "supervisor.log"))
            raise StackError(f"The supervisor is gone. Its last words:\n{words}")
        if board := read_board(here.state):
            show(board)
            if all(part.status in READY for part in board.parts.values()):
                if here.stack.is_file():
                    return board
            elif troubled := [part for part in board.parts.values() if part.trouble]:
                raise StackError("\n\n".join(trouble(part, here.logs) for part in troubled))
            elif time.monotonic() > deadline:
                slow = "; ".join(
                    f"{part.name} is {part.status} ({part.detail})"
                    for part in board.parts.values()
                    if part.status not in READY
                )
                raise StackError(f"Not ready after {within:.0f} s: {slow}")
        time.sleep(POLL_SECONDS)


def trouble(part: PartState, logs: Path) -> str:
    """A dead part, named, with the end of its log."""
    what, *words = part.trouble
    log = "".join(f"\n    {line}" for line in words)
    return f"{part.name}: {what}. The end of {logs / part.name}.log:{log}"


def stop(here: Place) -> bool:
    """Stop the stack and everything a killed supervisor left. False when nothing was running."""
    pid = supervisor_pid(here)
    if pid is not None and pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while supervisor_pid(here) == pid:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                break
            time.sleep(POLL_SECONDS / 2)
    left = leftovers.leftovers(here) if here.run.is_dir() else []
    leftovers.end(left)
    here.stack.unlink(missing_ok=True)
    return pid is not None or bool(left)


def restart(here: Place, name: str, within: float = START_SECONDS) -> None:
    """End one part's process, and return once the supervisor has it well again."""
    board = read_board(here.state)
    if supervisor_pid(here) is None or board is None:
        raise StackError("Nothing runs; `make up` starts the stack.")
    part = board.parts.get(name)
    if part is None or part.pid is None:
        running = ", ".join(p.name for p in board.parts.values() if p.pid)
        raise StackError(f"{name!r} has no process; these have: {running}.")
    os.kill(part.pid, signal.SIGINT if part.kind == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + within
    while True:
        now = read_board(here.state)
        again = now.parts[name] if now else part
        if again.pid not in (None, part.pid) and again.status in READY:
            return
        if again.trouble:
            raise StackError(trouble(again, here.logs))
        if time.monotonic() > deadline:
            raise StackError(f"{name} is not well after {within:.0f} s: make ps")
        time.sleep(POLL_SECONDS)
