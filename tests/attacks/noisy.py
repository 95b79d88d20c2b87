"""A server whose parts write to stdout in every way there is; each says which one it was."""

import atexit
import ctypes
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field
from shared.toolbox import add_numbers

from mcp_shared import serve

print("noise: an import")
os.write(1, b"noise: an import, by descriptor\n")
libc = ctypes.CDLL(None)
libc.puts(b"noise: an import, in C")
atexit.register(print, "noise: an exit handler")


def _in_c() -> None:
    libc.puts(b"noise: C, buffered until the process ends")


def _logged() -> None:
    handler = logging.StreamHandler(sys.stdout)
    logging.getLogger("noisy").addHandler(handler)
    logging.getLogger("noisy").warning("noise: a log handler on stdout")


def _by_child() -> None:
    subprocess.run(["echo", "noise: a child"], check=True)


def _by_thread() -> None:
    thread = threading.Thread(target=print, args=("noise: a thread",))
    thread.start()
    thread.join()


WAYS: dict[str, Callable[[], Any]] = {
    "print": lambda: print("noise: print"),
    "print at once": lambda: print("noise: print at once", flush=True),
    "the first stdout": lambda: print("noise: the first stdout", file=sys.__stdout__, flush=True),
    "a descriptor": lambda: os.write(1, b"noise: a descriptor\n"),
    "C": _in_c,
    "a warning": lambda: warnings.warn("noise: a warning", stacklevel=1),
    "a log handler": _logged,
    "a child": _by_child,
    "a thread": _by_thread,
    "JSON": lambda: print('{"jsonrpc":"2.0","id":1,"result":{"noise: JSON": true}}', flush=True),
}


async def make_noise(way: Annotated[str, Field(max_length=40)]) -> str:
    WAYS[way]()
    return way


def build() -> MCPServer[Any]:
    print("noise: build")
    tool = ModuleType("make_noise")
    vars(tool).update(make_noise=make_noise, TITLE="Make noise", HINTS=add_numbers.HINTS)
    return serve.new_server("noisy", title="Noisy", version="1", instructions="", tools=[tool])
