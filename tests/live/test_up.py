"""`make up` and the commands beside it, against a stack that runs."""

import json
import time
from pathlib import Path

from live.commands import local

from mcp_local import control
from mcp_local.board import READY, read_board
from mcp_local.load import Stack
from mcp_local.people import people


def test_every_part_is_well(stack: Stack) -> None:
    board = read_board(stack.here.state)
    assert board is not None
    assert {name: part.status in READY for name, part in board.parts.items()} == {
        part.name: True for part in stack.plan.parts
    }
    shown = local(stack, "ps")
    assert shown.returncode == 0, shown.stderr
    assert all(part.name in shown.stdout for part in stack.plan.parts)


def test_the_stack_file_says_what_a_script_needs_and_no_secret(stack: Stack) -> None:
    here = stack.here
    text = here.stack.read_text()
    told = json.loads(text)
    assert told["mcp"] == f"http://localhost:{here.gateway_port}/mcp"
    assert told["issuer"] == f"http://localhost:{here.issuer_port}/realms/mcp"
    assert told["scale"] == "0.01"
    assert [(server["name"], Path(server["folder"])) for server in told["servers"]] == [
        (server.name, server.folder) for server in stack.plan.servers()
    ]
    assert [(p["username"], p["name"], p["role"]) for p in told["people"]] == [
        (p.username, p.name, p.role) for p in people(here.root)
    ]
    for name, file in told["secrets"].items():
        content = Path(file).read_bytes()
        assert Path(file).stat().st_mode & 0o077 == 0, name
        assert content.hex() not in text
        assert content.decode("utf-8", "replace").strip() not in text, name


def test_a_second_up_is_quick_and_changes_nothing(stack: Stack) -> None:
    before = control.supervisor_pid(stack.here)
    begun = time.monotonic()
    again = local(stack, "up", "--no-calls")
    assert again.returncode == 0, again.stderr
    assert "Already running" in again.stdout
    assert time.monotonic() - begun < 10
    assert control.supervisor_pid(stack.here) == before


def test_a_busy_public_port_stops_another_stack_and_names_the_holder(
    stack: Stack, tmp_path: Path
) -> None:
    board = read_board(stack.here.state)
    assert board is not None
    refused = local(stack, "up", "--no-calls", env={"STACK_RUN": str(tmp_path / "other")})
    assert refused.returncode == 1
    holders = [board.parts[name].pid for name in ("gateway", "issuer")]
    assert any(f"pid {pid}" in refused.stderr for pid in holders)
    assert "held by" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_doctor_finds_nothing_wrong(stack: Stack) -> None:
    visited = local(stack, "doctor")
    assert visited.returncode == 0, visited.stdout
    assert "Issuer and gateway metadata agree" in visited.stdout


def test_the_logs_of_every_process_can_be_read(stack: Stack) -> None:
    shown = local(stack, "logs", "gateway", "--lines", "5")
    assert shown.returncode == 0
    assert shown.stdout.strip()
    unknown = local(stack, "logs", "no-such-part")
    assert unknown.returncode == 1
    assert "gateway" in unknown.stderr
