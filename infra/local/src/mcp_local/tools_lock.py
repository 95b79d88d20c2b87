"""make tools-lock: pin the definitions each listed server answers with, as a file to review."""

import subprocess

from mcp_local import environment, screen
from mcp_local.control import StackError
from mcp_local.load import Stack


def write(stack: Stack) -> int:
    """Each server prints its own definitions: its command with --definitions, nothing running."""
    filler = stack.filler().with_any_port()
    for server in stack.plan.servers():
        done = subprocess.run(
            [*filler.command(server.command, server), "--definitions"],
            env=environment.of_process(server, filler), cwd=stack.here.root,
            check=False, capture_output=True,
        )  # fmt: skip
        if done.returncode != 0 or not done.stdout.strip():
            words = done.stderr.decode("utf-8", "replace").strip()[-2000:]
            raise StackError(f"{server.name} did not print its definitions:\n{words}")
        file = server.folder / "tools.lock.json"
        before = file.read_bytes() if file.is_file() else b""
        file.write_bytes(done.stdout)
        word = "unchanged" if before == done.stdout else "written; review it like code"
        screen.console.print(f"{server.name}: {word}")
    return 0
