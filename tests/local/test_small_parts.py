"""Ports, secrets, locks, logs, waiting: the pieces the supervisor stands on."""

import json
import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local.small_stack import clone

from mcp_local import backoff, logfile, ports
from mcp_local.allocation import PortBusyError, allocate
from mcp_local.environment import inherited
from mcp_local.lock import LockHeldError, held, holder
from mcp_local.lockcheck import pins, unhashed
from mcp_local.place import KEPT, Place, place, prepare, remember, remove_data
from mcp_local.plan import plan
from mcp_local.secret_files import KEYS, Secrets
from mcp_local.stack import place_for_test


def listening(port: int = 0) -> socket.socket:
    s = socket.socket()
    s.bind(("127.0.0.1", port))
    s.listen()
    return s


def test_a_free_port_lies_below_those_of_outgoing_connections() -> None:
    assert ports.LOWEST <= ports.free_port() <= ports.HIGHEST < 32768


def test_the_holder_of_a_busy_port_is_named() -> None:
    with listening() as s:
        port = s.getsockname()[1]
        assert not ports.is_free(port)
        assert str(os.getpid()) in (ports.holder(port) or "")
    assert ports.holder(port) is None


def test_ports_are_remembered_and_moved_when_busy(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    here = place_for_test(root / ".run", root)
    prepare(here)
    first = allocate(here, plan(root))
    assert allocate(here, plan(root)) == first
    with listening(first["alpha"]):
        moved = allocate(here, plan(root))
    assert moved["alpha"] != first["alpha"]
    assert moved["gateway"] == here.gateway_port
    (here.run / "ports.json").write_text("{not json")
    assert set(allocate(here, plan(root))) == set(first)


def test_a_busy_public_port_stops_the_start_and_names_its_holder(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    here = place_for_test(root / ".run", root)
    prepare(here)
    with listening(here.gateway_port), pytest.raises(PortBusyError) as told:
        allocate(here, plan(root))
    assert f"pid {os.getpid()}" in str(told.value)
    assert f"STACK_GATEWAY_PORT={here.gateway_port + 1000} make up" in str(told.value)


def test_secrets_are_made_once_and_closed(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    assert secrets.get("demo-password") == secrets.get("demo-password")
    assert secrets.get("demo-password") != secrets.get("valkey")
    secrets.make_keys()
    before = {name: (tmp_path / "secrets" / name).read_bytes() for name in KEYS}
    secrets.make_keys()
    for name, content in before.items():
        file = tmp_path / "secrets" / name
        assert file.read_bytes() == content
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(before["sealing.key"]) == len(before["session.key"]) == 32
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert sorted(file.name for file in (tmp_path / "secrets").iterdir()) == sorted(
        ["demo-password", "valkey", *KEYS]
    )


@pytest.mark.parametrize("name", ["", "../up", "a/b", "a b"])
def test_a_secret_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        Secrets(tmp_path).get(name)


def test_a_lock_is_let_go_when_its_holder_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; from mcp_local.lock import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert holder(file) == other.pid
        with pytest.raises(LockHeldError), held(file):
            pass
        other.kill()
        other.wait()
    assert holder(file) is None
    with held(file):
        pass


def test_a_log_keeps_its_writer_and_its_end_when_it_is_rotated(tmp_path: Path) -> None:
    file = tmp_path / "part.log"
    descriptor = logfile.opened(file)
    os.write(descriptor, b"old\n" * 100)
    assert not logfile.rotate(file, largest=1000)
    assert logfile.rotate(file, largest=100)
    os.write(descriptor, b"new\n")
    os.close(descriptor)
    assert file.read_text() == "new\n"
    assert (tmp_path / "part.log.1").read_text().startswith("old")


def test_the_tail_of_a_log_begins_where_the_process_began(tmp_path: Path) -> None:
    file = tmp_path / "part.log"
    file.write_text("earlier\n" * 5)
    start = file.stat().st_size
    with file.open("ab") as more:
        more.write(b"one\n\ntwo\n\xff\n")
    assert logfile.tail(file, 15, start) == ["one", "two", "\ufffd"]
    assert logfile.tail(file, 1) == ["\ufffd"]
    assert logfile.tail(tmp_path / "none.log") == []


@given(st.integers(min_value=1, max_value=10_000))
def test_waiting_grows_and_stays_bounded(deaths: int) -> None:
    assert backoff.FIRST <= backoff.delay(deaths) <= backoff.delay(deaths + 1) <= backoff.LONGEST


def test_a_good_run_is_forgiven() -> None:
    assert backoff.deaths_in_a_row(7, ran_well_for=0.5) == 8
    assert backoff.deaths_in_a_row(7, ran_well_for=backoff.STEADY_SECONDS) == 1


def test_a_process_gets_no_superuser_address_and_no_proxy_for_this_machine() -> None:
    env = inherited(
        {"DATABASE_URL": "x", "STACK_RUN": "y", "MAKEFLAGS": "z", "NO_PROXY": "corp.example",
         "HTTPS_PROXY": "http://proxy"}
    )  # fmt: skip
    assert env == {
        "NO_PROXY": "corp.example,localhost,127.0.0.1",
        "no_proxy": "localhost,127.0.0.1",
        "HTTPS_PROXY": "http://proxy",
    }


def test_the_environment_chooses_the_stack(tmp_path: Path) -> None:
    root = clone(tmp_path / "c d")
    inside = root / "servers" / "alpha"
    assert place({}, inside) == Place(root=root, run=root / ".run")
    other = place({"STACK_RUN": "elsewhere", "STACK_GATEWAY_PORT": "28080"}, inside)
    assert (other.run, other.gateway) == (root / "elsewhere", "http://localhost:28080")
    for name, value in (
        ("STACK_GATEWAY_PORT", "http"),
        ("STACK_SCALE", "-1"),
        ("STACK_SCALE", "x"),
    ):
        with pytest.raises(ValueError, match=name):
            place({name: value}, inside)


def test_public_ports_are_as_last_started_until_others_are_asked_for(tmp_path: Path) -> None:
    root = clone(tmp_path / "c")
    asked = {"STACK_GATEWAY_PORT": "28080", "STACK_ISSUER_PORT": "28081"}
    (root / ".run").mkdir()
    remember(place(asked, root))
    assert place({}, root) == place(asked, root)
    assert place({"STACK_GATEWAY_PORT": "29080"}, root).issuer_port == 28081
    remember(place({"STACK_GATEWAY_PORT": "8080", "STACK_ISSUER_PORT": "8081"}, root))
    assert place({}, root) == Place(root=root, run=root / ".run")
    assert not list((root / ".run").iterdir())


def test_cleaning_leaves_evidence_and_the_folders_of_running_tests(tmp_path: Path) -> None:
    here = place_for_test(tmp_path / ".run", clone(tmp_path / "c"))
    prepare(here)
    (here.run / "test-123").mkdir()
    for kept in KEPT:
        (here.run / kept).mkdir()
    (here.run / "stack.json").write_text(json.dumps({}))
    remove_data(here)
    assert sorted(entry.name for entry in here.run.iterdir()) == sorted([*KEPT, "test-123"])


def test_a_lock_file_is_read_without_its_hashes() -> None:
    lock = "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\nb==2 ; sys_platform == 'x'\n"
    assert pins(lock) == {"a==1", "b==2 ; sys_platform == 'x'"}
    assert unhashed(lock) == {"b==2"}


def test_everything_on_the_way_to_up_is_quick_to_import() -> None:
    """`make ps` and a second `make up` must not pay for the SDK."""
    code = "import mcp_local.cli, mcp_local.up, sys; sys.exit('mcp' in sys.modules)"
    begun = time.monotonic()
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert time.monotonic() - begun < 10
