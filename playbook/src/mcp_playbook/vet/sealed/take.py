"""tools/list of a package's own server: installed aside, run sealed, asked, ended."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from mcp.client._transport import Transport

from mcp_playbook.vet.collect.listing import MOST_BYTES, SECONDS, listed
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Source
from mcp_playbook.vet.sealed.inside import REFUSED
from mcp_playbook.vet.sealed.package import installed
from mcp_playbook.vet.sealed.seal import REFUSAL, Command, sealed
from mcp_playbook.vet.sealed.stdio import MOST_LINES, Heard, transport
from mcp_playbook.vet.subject import Subject

# how an interpreter's last words begin, whatever it prints after them
_FAILURE = re.compile(r"(?:[\w.]*(?:Error|Exception)\b|error:|usage:|not sealed:)", re.IGNORECASE)


async def collect(
    subject: Subject,
    *,
    entry: str | None = None,
    arguments: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Source:
    """Install and ask; `arguments` and `env` go to the server, and are no place for secrets.

    Raises:
        NotHadError: no seal, no installation, or no list.

    """
    with tempfile.TemporaryDirectory(prefix="vet-") as aside:
        folder = Path(aside) / "package"
        folder.mkdir()
        command = installed(subject, folder, entry=entry)
        words = [*command.words, *arguments]
        return await ask(replace(command, words=words, env={**(env or {}), **command.env}), aside)


async def ask(command: Command, aside: str, *, seconds: float = SECONDS) -> Source:
    """Run a command sealed and take its list.

    Raises:
        NotHadError: no seal, or no list.

    """
    root = Path(aside) / "root"
    root.mkdir()
    heard = Heard()
    words = sealed(command, root)
    try:
        server = await listed(cast("Transport", transport(words, heard)), seconds=seconds)
    except NotHadError as error:
        raise NotHadError(_why(heard, error)) from error
    told = "tools/list over stdio, run sealed off"
    data = {"servers": [server], "strangers": heard.strangers}
    return Source(data, told, datetime.now(UTC))


def _why(heard: Heard, error: NotHadError) -> str:
    """The most telling reason, of those that there are."""
    lines = [line.strip() for line in heard.errors.splitlines() if line.strip()]
    last = [line for line in lines if _FAILURE.match(line)][-1:] or lines[-1:]
    if heard.code == REFUSED or (heard.errors.startswith("unshare:")):
        return REFUSAL + " ".join(last)
    if heard.exceeded:
        most = f"{MOST_BYTES // 1024 // 1024} MiB or {MOST_LINES} lines"
        return f"the server wrote more than {most} to stdout"
    if heard.count:
        return f"{error}; {heard.count} lines on stdout are no JSON-RPC: {heard.strangers[0]!r}"
    if last and heard.code is not None and heard.code > 0:
        return f"the server ended with code {heard.code}: {last[0][:200]}"
    return str(error) + (f"; its last words: {last[0][:200]}" if last else "")
