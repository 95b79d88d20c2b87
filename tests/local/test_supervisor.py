"""The supervisor over real processes: order, healing, naming the dead, leaving nothing behind."""

import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from local.small_stack import BASE, SERVER, clone

from mcp_local import control, leftovers
from mcp_local.board import Board, PartState, read_board
from mcp_local.place import Place, prepare
from mcp_local.plan import plan
from mcp_local.stack import place_for_test


@contextlib.contextmanager
def started(
    root: Path, database_url: str | None = None, redis_url: str | None = None
) -> Iterator[Place]:
    own = place_for_test(root / ".run", root)
    here = replace(own, database_url=database_url, redis_url=redis_url)
    prepare(here)
    try:
        control.start(here, plan(root))
        yield here
    finally:
        control.stop(here)


def board_of(here: Place) -> Board:
    board = read_board(here.state)
    assert board is not None
    return board


def until(here: Place, name: str, good: Callable[[PartState], bool]) -> PartState:
    deadline = time.monotonic() + 60
    while not good(state := board_of(here).parts[name]):
        assert time.monotonic() < deadline, f"{name} stayed {state}"
        time.sleep(0.05)
    return state


def healed(here: Place, name: str, dead: int | None) -> PartState:
    return until(
        here, name, lambda state: state.status == "healthy" and state.pid not in (dead, None)
    )


def pid_of(here: Place, name: str) -> int:
    pid = board_of(here).parts[name].pid
    assert pid is not None
    return pid


def environment_of(port: int) -> dict[str, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/env", timeout=5) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def test_parts_start_after_what_they_need_and_the_stack_describes_itself(run_folder: Path) -> None:
    root = clone(run_folder / "in order", {"alpha": SERVER, "beta": SERVER})
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        order = (here.run / "trace").read_text().split()
        assert order[-1] == "gateway"
        assert sorted(order[:-1]) == ["alpha", "beta", "issuer"]
        described = json.loads(here.stack.read_text())
        assert [server["name"] for server in described["servers"]] == ["alpha", "beta"]
        assert described["issuer"] == f"http://localhost:{here.issuer_port}/realms/mcp"
        gateway = environment_of(here.gateway_port)
        assert json.loads(gateway["UPSTREAMS"]) == {
            name: f"http://127.0.0.1:{described['ports'][name]}/mcp" for name in ("alpha", "beta")
        }
        alpha = environment_of(described["ports"]["alpha"])
        assert alpha["MCP_RESOURCE"] == "http://alpha.internal/mcp"
        assert "localhost" in alpha["NO_PROXY"]
    assert control.supervisor_pid(here) is None
    assert not here.stack.exists()
    assert leftovers.leftovers(here) == []


def test_a_killed_process_comes_back_on_its_port(run_folder: Path) -> None:
    root = clone(run_folder / "killed")
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        dead = pid_of(here, "alpha")
        os.kill(dead, signal.SIGKILL)
        again = healed(here, "alpha", dead)
        assert again.restarts == 1
        assert environment_of(again.port or 0)["NAME"] == "alpha"


def test_a_dead_process_is_named_with_the_end_of_its_log(run_folder: Path) -> None:
    broken = SERVER.replace("env = {}", 'env = { BROKEN = "yes" }')
    root = clone(run_folder / "broken", {"alpha": broken})
    with started(root) as here:
        with pytest.raises(control.StackError) as told:
            control.wait_ready(here, lambda _: None, 30)
        assert "alpha: exited with 1, 3 times" in str(told.value)
        assert "no such colour 'mauve'" in str(told.value)
        # what does not need it is well, what does still waits
        assert board_of(here).parts["issuer"].status == "healthy"
        assert board_of(here).parts["gateway"].status == "waiting"


def test_a_failed_preparation_is_named_and_the_process_is_not_started(run_folder: Path) -> None:
    unprepared = SERVER + (
        '[[setup]]\ntitle = "Load nothing"\n'
        'command = ["{python}", "-c", "raise SystemExit(\'the cupboard is bare\')"]\n'
    )
    root = clone(run_folder / "unprepared", {"alpha": unprepared})
    with started(root) as here:
        with pytest.raises(control.StackError, match="'Load nothing' exited with 1") as told:
            control.wait_ready(here, lambda _: None, 30)
        assert "the cupboard is bare" in str(told.value)
        assert "alpha" not in (here.run / "trace").read_text()


def test_a_sandbox_is_prepared_and_started_before_its_server(run_folder: Path) -> None:
    server = 'sandboxes = ["infra/sandbox/box"]\n' + SERVER.replace(
        "env = {}", 'env = { BOX = "{url:box}", DATA = "{folder}" }'
    )
    root = clone(run_folder / "sandbox", {"alpha": server})
    box = root / "infra" / "sandbox" / "box"
    box.mkdir(parents=True)
    (box / "stack.toml").write_text(
        '[process]\ncommand = ["{python}", "{root}/dummy.py"]\nhealth = "/healthz"\n'
        '[env]\nNAME = "box"\nTRACE = "{run}/trace"\nPASSWORD = "{secret:box}"\n'
        '[[setup]]\ntitle = "fill"\ncommand = ["{python}", "-c", '
        "\"import os; open(os.environ['TRACE'], 'a').write('filled\\\\n')\"]\n"
    )
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        order = (here.run / "trace").read_text().split()
        assert order.index("filled") < order.index("box") < order.index("alpha")
        described = json.loads(here.stack.read_text())
        alpha = environment_of(described["ports"]["alpha"])
        assert alpha["BOX"] == f"http://127.0.0.1:{described['ports']['box']}"
        password = environment_of(described["ports"]["box"])["PASSWORD"]
        assert password == (here.secrets / "box").read_text()
        assert (here.secrets / "box").stat().st_mode & 0o777 == 0o600
        assert here.secrets.stat().st_mode & 0o777 == 0o700


def test_what_a_killed_supervisor_left_is_ended_by_the_next_start(run_folder: Path) -> None:
    root = clone(run_folder / "orphans")
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        orphans = [pid_of(here, name) for name in ("alpha", "issuer", "gateway")]
        supervisor = control.supervisor_pid(here)
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        while control.supervisor_pid(here) is not None:
            time.sleep(0.02)
        assert all(psutil.pid_exists(pid) for pid in orphans)
        control.start(here, plan(root))
        control.wait_ready(here, lambda _: None, 30)
        assert not any(psutil.pid_exists(pid) for pid in orphans)


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(run_folder: Path) -> None:
    root = clone(run_folder / "stale")
    here = place_for_test(root / ".run", root)
    prepare(here)
    mine = PartState("alpha", "server", pid=os.getpid(), created=12345.0)
    Board(file=here.state, fingerprint="x", started=0.0, parts={"alpha": mine}).save()
    assert leftovers.leftovers(here) == []
    assert control.stop(here) is False


def test_a_process_that_falls_silent_for_a_moment_is_unwell_and_left_to_heal(
    run_folder: Path,
) -> None:
    root = clone(run_folder / "hangs")
    with started(root) as here:
        control.wait_ready(here, lambda _: None, 30)
        hung = pid_of(here, "alpha")
        os.kill(hung, signal.SIGSTOP)
        until(here, "alpha", lambda state: state.status == "unwell")
        os.kill(hung, signal.SIGCONT)
        assert until(here, "alpha", lambda state: state.status == "healthy").pid == hung


def test_a_part_that_answers_badly_is_unwell_and_holds_back_what_needs_it(run_folder: Path) -> None:
    root = clone(run_folder / "sick", {"alpha": SERVER.replace("/healthz", "/sick")})
    with started(root) as here:
        until(here, "issuer", lambda state: state.status == "healthy")
        with pytest.raises(control.StackError, match=r"alpha is starting"):
            control.wait_ready(here, lambda _: None, 3)
        assert board_of(here).parts["gateway"].status == "waiting"


OWN = '[services.postgres]\nown = "postgres"\n[services.valkey]\nown = "valkey"\n'
NEEDY = (
    SERVER.replace("env = {}", 'env = { DB = "{postgres:shop:clerk}", REDIS = "{redis}" }').replace(
        'health = "/healthz"', 'health = "/healthz"\nneeds = ["postgres", "valkey"]'
    )
    + '[[setup]]\ntitle = "role"\ncommand = ["{python}", "{root}/role.py"]\n'
    'env = { ADMIN = "{postgres_admin:shop}", PASSWORD = "{secret:postgres-clerk}" }\n'
)
ROLE = """
import asyncio, os, asyncpg
async def main():
    admin = await asyncpg.connect(os.environ["ADMIN"])
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'clerk'"):
        await admin.execute(f"CREATE ROLE clerk LOGIN PASSWORD '{os.environ['PASSWORD']}'")
        await admin.execute("CREATE TABLE kept (n int); GRANT ALL ON kept TO clerk")
    await admin.close()
asyncio.run(main())
"""


async def test_killed_postgres_and_valkey_come_back_with_the_data(run_folder: Path) -> None:
    import asyncio

    import asyncpg

    root = clone(run_folder / "own", {"alpha": NEEDY}, base=BASE + OWN)
    (root / "role.py").write_text(ROLE)
    with started(root) as here:
        await asyncio.to_thread(control.wait_ready, here, lambda _: None, 60)
        url = environment_of(board_of(here).parts["alpha"].port or 0)["DB"]
        clerk = await asyncpg.connect(url)
        await clerk.execute("INSERT INTO kept VALUES (7)")
        for name in ("postgres", "valkey"):
            dead = pid_of(here, name)
            os.kill(dead, signal.SIGKILL)
            await asyncio.to_thread(healed, here, name, dead)
        clerk = await asyncpg.connect(url)
        assert await clerk.fetchval("SELECT n FROM kept") == 7
        await clerk.close()
        # the supervisor dies too: the next start finds both, which hide their environment
        supervisor = control.supervisor_pid(here)
        assert supervisor is not None
        os.kill(supervisor, signal.SIGKILL)
        here.state.unlink()
        left = {process.pid: process.name() for process in leftovers.leftovers(here)}
        assert any("postgres" in name for name in left.values())
        assert any("valkey" in name for name in left.values())
        await asyncio.to_thread(control.start, here, plan(root))
        await asyncio.to_thread(control.wait_ready, here, lambda _: None, 60)
        clerk = await asyncpg.connect(environment_of(board_of(here).parts["alpha"].port or 0)["DB"])
        assert await clerk.fetchval("SELECT n FROM kept") == 7
        await clerk.close()
        assert not any(psutil.pid_exists(pid) for pid in left)
