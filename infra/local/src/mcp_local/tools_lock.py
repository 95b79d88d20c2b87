"""make tools-lock: pin the definitions each listed server answers with, as a file to review."""

import json
import subprocess
from pathlib import Path

from mcp_local import environment, screen
from mcp_local.control import StackError
from mcp_local.load import Stack
from mcp_shared.poison import poisons

UNCHANGED = "unchanged"
WRITTEN = "written; make tools-diff says what changed, review it like code"


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
        word = pin(server.folder / "tools.lock.json", done.stdout, server.name)
        screen.console.print(f"{server.name}: {word}")
    return 0


def pin(file: Path, definitions: bytes, server: str) -> str:
    """Write the file, unless it has what the gateway would not load; what was done, in words.

    Raises:
        StackError: which definition has what, and where.

    """
    document = json.loads(definitions)
    about = {key: document.get(key) for key in ("title", "instructions")}
    named = [(one["name"], one) for one in (*document["tools"], *document["prompts"])]
    found = [
        f"{name}: {one}" for name, said in [("(itself)", about), *named] for one in poisons(said)
    ]
    if found:
        raise StackError(
            "\n".join([f"{server} says what no model should read; not pinned:", *found])
        )
    before = file.read_bytes() if file.is_file() else b""
    file.write_bytes(definitions)
    return UNCHANGED if before == definitions else WRITTEN
