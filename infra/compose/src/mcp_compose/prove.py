"""`python -m mcp_compose prove`: asks the running containers what compose.yaml says they are.

Users, capabilities, what reaches what, which login opens which database, what /proc shows,
and what a replica that leaves or dies costs. It stops and kills gateway-1, and starts it again.
"""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from mcp_compose import calls, exposure
from mcp_compose.addresses import Inside
from mcp_compose.engine import Engine
from mcp_compose.file import Compose
from mcp_local.governed import Call
from mcp_local.plan import Part

CALLS = 40  # reads, one after the other; a minute's limit is 60
GONE_AFTER_SECONDS = 0.5
RETURN_SECONDS, NOTICED_SECONDS = 60, 5  # the proxy asks every two seconds
SHELL_LESS = frozenset({"collector", "loki", "tempo"})  # images of one program: nothing to ask with
NET_BIND = 1 << 10

PROBE = """
import json, socket, sys
found = {}
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        found[place] = True
    except OSError:
        found[place] = False
print(json.dumps(found))
"""
LOGIN = """
import asyncio, asyncpg, json, pathlib, sys
from urllib.parse import urlsplit, urlunsplit
url = urlsplit(pathlib.Path("/run/secrets", sys.argv[1]).read_text())
async def opens(database):
    try:
        await (await asyncpg.connect(urlunsplit(url._replace(path="/" + database)))).close()
        return True
    except asyncpg.PostgresError:
        return False
async def main():
    print(json.dumps({name: await opens(name) for name in sys.argv[2:]}))
asyncio.run(main())
"""

Finding = tuple[bool, str]


def proofs(filler: Inside, compose: Compose, engine: Engine, password: Path) -> Iterator[Finding]:
    running = set(engine.said("ps", "--services", "--status", "running").split())
    listed = set(engine.said("config", "--services").split())
    stays = {name for name, one in compose.services.items() if one.said["restart"] != "no"}
    if silent := (stays & listed) - running:
        yield False, f"not running: {', '.join(sorted(silent))}"
        return
    yield from _processes(compose, engine, running - SHELL_LESS)
    yield from _ways(filler, engine)
    yield from _logins(filler, engine)
    yield _nothing_in_proc(filler, engine)
    yield _ledger(engine)
    one, other, *_ = calls.allowed(filler.plan)  # of two tools, since each has a limit
    yield _replica(one, filler, engine, password, "stop", lose=0)
    yield _replica(other, filler, engine, password, "kill", lose=1)


def _processes(compose: Compose, engine: Engine, names: set[str]) -> Iterator[Finding]:
    for name in sorted(names):
        status = dict(
            line.split(":\t", 1)
            for line in engine.said("exec", "-T", name, "cat", "/proc/1/status").splitlines()
            if ":\t" in line
        )
        user, held = status["Uid"].split()[0], int(status["CapBnd"], 16)
        allowed = NET_BIND if compose.services[name].said.get("cap_add") else 0
        good = user != "0" and held == allowed and status["NoNewPrivs"] == "1"
        yield good, f"{name}: user {user}, capabilities {held:#x}, no new privileges"


def _ways(filler: Inside, engine: Engine) -> Iterator[Finding]:
    """From every server, and from the CRM stand-in, which shares a network with one."""
    servers = [part.name for part in filler.plan.servers()]
    stored = {part.name for part in filler.plan.servers() if _login(part)}
    postgres = f"postgres:{filler.ports['postgres']}"
    gateways = filler.mapping.parts["gateway"].services
    port = filler.mapping.servers.port
    for name in servers:
        opened: list[str] = []
        others = [f"{one}:{port}" for one in servers if one != name]
        closed = [*others, *(f"{one}.internal:{port}" for one in servers if one != name)]
        closed += [f"{one}:{filler.ports['gateway']}" for one in gateways]
        closed += [f"valkey:{filler.ports['valkey']}", "192.0.2.1:443"]
        (opened if name in stored else closed).append(postgres)
        opened.append(f"keycloak:{filler.ports['issuer']}")
        found = _asked(engine, name, PROBE, *closed, *opened)
        wrong = [place for place in closed if found[place]]
        silent = [place for place in opened if not found[place]]
        told = f"{name}: reaches {', '.join(opened)}, and not {len(closed)} others"
        yield not wrong and not silent, told + _told(wrong, silent)
    for part in filler.plan.parts:
        if part.kind == "sandbox":
            places = [f"{one}:{port}" for one in servers]
            found = _asked(engine, part.name, PROBE, *places)
            wrong = [place for place in places if found[place]]
            yield not wrong, f"{part.name}: no server answers it{_told(wrong, [])}"


def _told(wrong: list[str], silent: list[str]) -> str:
    kinds = (("open:", wrong), ("silent:", silent))
    return "".join(f"; {word} {', '.join(names)}" for word, names in kinds if names)


def _logins(filler: Inside, engine: Engine) -> Iterator[Finding]:
    databases = sorted({database for database, _ in exposure.logins(filler)})
    for part in filler.plan.servers():
        if (key := _login(part)) is None:
            continue
        found = _asked(engine, part.name, LOGIN, key, *databases)
        opens = [name for name in databases if found[name]]
        told = f"{part.name}: its login opens {', '.join(opens)} of {len(databases)} databases"
        yield len(opens) == 1, told


def _login(part: Part) -> str | None:
    """The variable with its database's address; a server may have none."""
    return next((key for key in part.env if key.endswith("_DATABASE_URL")), None)


def _asked(engine: Engine, service: str, code: str, *words: str) -> dict[str, bool]:
    answer: dict[str, bool] = json.loads(
        engine.said("exec", "-T", service, "python", "-c", code, *words)
    )
    return answer


def _nothing_in_proc(filler: Inside, engine: Engine) -> Finding:
    shown = engine.said("exec", "-T", "gateway-1", "cat", "/proc/1/environ")
    names = [file.name for file in filler.secrets.folder.glob("*") if file.suffix == ""]
    leaked = [name for name in names if filler.secrets.get(name) in shown]
    return not leaked, f"gateway-1: none of {len(names)} passwords is in its environment"


def _ledger(engine: Engine) -> Finding:
    said = engine.said(
        "exec", "-T", "gateway-2", "python", "-m", "in_image.start", "-m", "mcp_gateway.audit",
        "verify",
    )  # fmt: skip
    sound = [line for line in said.splitlines() if line.startswith("OK")]
    return bool(sound), f"ledger: {sound[0] if sound else said.strip()}"


def _replica(
    call: Call, filler: Inside, engine: Engine, password: Path, verb: str, *, lose: int
) -> Finding:
    """`lose`: how many may have been under way in it, and have to be made again."""
    going = threading.Timer(GONE_AFTER_SECONDS, engine.said, args=(verb, "gateway-1"))
    going.start()
    made = calls.reads(call, filler.place, password, CALLS)
    going.join()
    _return(engine)
    enough = made.seconds > 2 * GONE_AFTER_SECONDS  # else it went when all was over
    good = enough and made.lost == 0 and made.repeated <= lose
    return good, f"{verb} gateway-1 after {GONE_AFTER_SECONDS:g} s of {made.seconds:.1f} s: {made}"


def _return(engine: Engine) -> None:
    """Until it is ready, and the proxy has had the time to notice."""
    engine.said("start", "gateway-1")
    deadline = time.monotonic() + RETURN_SECONDS
    asked = ("exec", "-T", "gateway-1", "python", "-m", "in_image.healthy")
    while not engine.succeeds(*asked) and time.monotonic() < deadline:
        time.sleep(1)
    time.sleep(NOTICED_SECONDS)
