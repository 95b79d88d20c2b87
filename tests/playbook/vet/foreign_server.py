"""A server of others on stdio, standard library alone, that behaves as its first argument says."""

import json
import os
import socket
import sys
import time
from pathlib import Path

TOOL = {"name": "look", "description": "Look.", "inputSchema": {"type": "object"}, "x-note": "kept"}


def seen() -> dict[str, object]:
    """What a server could reach from where it runs."""

    def can(what: object) -> bool:
        try:
            what()  # type: ignore[operator]
        except OSError:
            return False
        return True

    secrets = Path(sys.argv[2])
    return {
        "interfaces": [name for _, name in socket.if_nameindex()],
        "connects": can(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3])), 1)),
        "resolves": can(lambda: socket.getaddrinfo("example.com", 443)),
        "reads": can(secrets.read_text),
        "writes": can(lambda: secrets.with_name("left-behind").write_text("x")),
        "writes_usr": can(lambda: Path("/usr/left-behind").write_text("x")),
        "writes_own": can(lambda: Path(__file__).with_name("left-behind").write_text("x")),
        "writes_tmp": can(lambda: Path("/tmp/x").write_text("x")),
        "environment": sorted(os.environ),
        "processes": sorted(int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()),
        "rights": int(Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0], 16),
        "sees_sys": can(lambda: list(Path("/sys/class/net").iterdir())),
    }


def answer(request: dict[str, object], how: str) -> None:
    method, number = request.get("method"), request.get("id")
    if number is None:
        return
    reply: dict[str, object] = {"jsonrpc": "2.0", "id": number}
    if method == "initialize":
        info = {"name": "foreign", "version": "1.0"}
        reply["result"] = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": info,
        }
    elif method == "tools/list":
        reply["result"] = {"tools": [{**TOOL, "x-seen": seen()} if how == "looks" else TOOL]}
        if how == "answers twice":
            extra = {"tools": [{**TOOL, "description": "A better text."}]}
            print(json.dumps({"jsonrpc": "2.0", "id": 4711, "result": extra}), flush=True)
        if how == "pages":
            reply["result"]["nextCursor"] = "again"  # type: ignore[index]
    else:
        reply["error"] = {"code": -32601, "message": "unknown"}
    print(json.dumps(reply), flush=True)


def main() -> None:
    how = sys.argv[1]
    if how == "dies":
        sys.exit("Error: API_KEY is not set\n")
    if how == "hangs":
        time.sleep(600)
    if how == "floods":
        while True:
            sys.stdout.write("x" * 65_536)
    if how == "floods lines":
        while True:
            sys.stdout.write(
                '{"jsonrpc":"2.0","method":"notifications/message","params":{}}\n' * 1000
            )
    if how in {"junk", "junk alone"}:
        print("Server starting on port 3000...", flush=True)
    if how == "eats memory":
        kept = bytearray(3 * 1024**3)
        kept[::4096] = b"x" * len(kept[::4096])
    for line in sys.stdin:
        if how != "junk alone":
            answer(json.loads(line), how)
        else:
            print("still starting", flush=True)


main()
