"""`python -m mcp_<name>.pin`: how the vendor describes the tools we use, against what is pinned.

Without --accept it shows the difference and ends with 1 if there is one. With it, the lock file is
written: the next start of the server lets calls through again. Read the difference first.
"""

import argparse
import asyncio
import difflib
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp_types import Tool

from mcp_shared.poison import poisons
from mcp_shared.settings import StartError, read
from mcp_shared.vendor import pins
from mcp_shared.vendor.connection import conversation, every_tool, pool
from mcp_shared.vendor.credentials import credentials
from mcp_shared.vendor.settings import VendorSettings
from mcp_shared.vendor.wire import Wire, origin


class PinError(Exception):
    """The vendor does not have what is to be pinned, or could not be asked."""


async def asked(settings: VendorSettings, names: Sequence[str]) -> str:
    """The lock file as it would be now; which way of speaking is found out here and nowhere else.

    Raises:
        PinError: a tool is not there, or there twice.

    """
    urls = (settings.url, settings.token_url)
    async with pool() as shared:
        wire = Wire(shared, frozenset(origin(url) for url in urls if url), settings.max_bytes)
        async with conversation(settings, credentials(settings), wire, "auto") as client:
            listed = await every_tool(client)
            about, version = client.server_info, client.protocol_version
    era: pins.Era = "2026-07-28" if version == "2026-07-28" else "legacy"
    return pins.written(era, about.name if about else "", list(_chosen(listed, names)))


def _chosen(listed: Sequence[Tool], names: Sequence[str]) -> Iterable[Tool]:
    for name in names:
        found = [tool for tool in listed if tool.name == name]
        if len(found) != 1:
            has = ", ".join(sorted(tool.name for tool in listed))[:500]
            raise PinError(f"{name}: the vendor lists it {len(found)} times. It has: {has}")
        yield found[0]


def main(file: Path, names: Sequence[str], prefix: str) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", action="store_true", help="write the lock file")
    accept = parser.parse_args().accept
    try:
        now = asyncio.run(asked(read(VendorSettings, prefix), names))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (PinError, ExceptionGroup, OSError) as error:
        sys.stderr.write(f"{_first(error)}\n")
        return 2
    before = file.read_text("utf-8") if file.is_file() else ""
    # such words reach no model through us; that a vendor writes them says something of the vendor
    found = [
        f"{tool['name']}: {poison}" for tool in json.loads(now)["tools"] for poison in poisons(tool)
    ]
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.writelines(
        difflib.unified_diff(
            before.splitlines(keepends=True), now.splitlines(keepends=True), "pinned", "vendor"
        )
    )
    if before == now:
        sys.stdout.write(f"{len(names)} tools are as they were pinned\n")
    elif accept:
        file.write_text(now, "utf-8")
        sys.stdout.write(f"written: {file.name}; restart the server\n")
    return int(before != now and not accept)


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(str(error).split())[:300] or type(error).__name__
