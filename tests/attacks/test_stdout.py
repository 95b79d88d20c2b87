"""P01: on stdio nothing but JSON-RPC reaches stdout, whoever writes to it and whenever."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from architecture.tree import ROOT, listed, package_of
from attacks.stdio import ask

NOISY = ["-c", "from mcp_shared.serve import main; main('attacks.noisy')"]
WAYS = [
    "print", "print at once", "the first stdout", "a descriptor", "C", "a warning",
    "a log handler", "a child", "a thread", "JSON",
]  # fmt: skip
SAID = [
    "an import", "an import, by descriptor", "an import, in C", "an exit handler", "print",
    "print at once", "the first stdout", "a descriptor", "C, buffered until the process ends",
    "a warning", "a log handler on stdout", "a child", "a thread", "JSON",
]  # fmt: skip
PATH = {"PYTHONPATH": str(ROOT / "tests")}
# comes before everything else in the process, and prints whenever a server's tools are imported
SITE = """
import atexit, builtins, os, sys
imported = builtins.__import__
def loud(name, *more, **named):
    if name.startswith("{package}."):
        print("noise: an import")
        os.write(1, b"noise: an import, by descriptor\\n")
    return imported(name, *more, **named)
if "--stdio" in sys.orig_argv:
    builtins.__import__ = loud
    atexit.register(print, "noise: an exit handler")
"""


def test_p01_no_way_of_writing_to_stdout_reaches_the_wire() -> None:
    calls = [("tools/call", {"name": "make_noise", "arguments": {"way": way}}) for way in WAYS]
    spoken = ask([*NOISY, "--stdio"], calls, PATH)
    assert [one["id"] for one in spoken.messages] == list(range(1, len(WAYS) + 1))
    said = [one["result"]["content"][0]["text"] for one in spoken.messages]
    assert said == WAYS, spoken.stderr
    assert "noise" not in spoken.stdout
    assert [one for one in SAID if f"noise: {one}" not in spoken.stderr] == []


def test_p01_definitions_are_not_polluted_either() -> None:
    done = subprocess.run(
        [sys.executable, *NOISY, "--definitions"], env=PATH, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert [tool["name"] for tool in json.loads(done.stdout)["tools"]] == ["make_noise"]
    for one in ("an import", "an import, in C", "an exit handler"):
        assert f"noise: {one}" in done.stderr


@pytest.mark.parametrize("server", sorted(listed()))
def test_p01_every_listed_server_keeps_stdout_clean(server: str, tmp_path: Path) -> None:
    """Also when its own modules print as they are imported, and when it ends."""
    package = package_of(listed()[server])
    (tmp_path / "sitecustomize.py").write_text(SITE.format(package=package))
    address = "postgresql://nobody:nothing@127.0.0.1:1/none"
    environment = {
        "PYTHONPATH": str(tmp_path),
        f"{server.upper()}_DATABASE_URL": address,
        f"{server.upper()}_BASE_URL": "http://127.0.0.1:1",
        f"{server.upper()}_TOKEN": "no-token-at-all",
    }
    lock = json.loads((listed()[server] / "tools.lock.json").read_text("utf-8"))
    arguments = {"no_such_argument": 1}
    calls = [
        ("tools/call", {"name": tool["name"], "arguments": arguments}) for tool in lock["tools"]
    ]
    unknown = ("tools/call", {"name": "no_such_tool", "arguments": arguments})
    asked = [("tools/list", {}), *calls, unknown, ("no/such/method", {})]
    spoken = ask(["-m", package, "--stdio"], asked, environment)
    assert [one["id"] for one in spoken.messages] == list(range(1, len(asked) + 1)), spoken.stderr
    names = [tool["name"] for tool in spoken.messages[0]["result"]["tools"]]
    assert names == [tool["name"] for tool in lock["tools"]]
    for one in ("an import", "an import, by descriptor", "an exit handler"):
        assert f"noise: {one}" in spoken.stderr
