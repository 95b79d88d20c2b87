"""P02: a small stack runs and is used and abused; then everything it left behind is searched."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import psutil
import pytest
import pytest_asyncio
from attacks import canary
from attacks.canary import TOKEN, Telemetry
from attacks.oracle import Told
from house.house import META
from live.commands import made, one_allowed_call_each
from people import Issuer

from mcp_local.board import read_board
from mcp_local.fill import with_database
from mcp_local.load import Stack
from mcp_local.stack import running

ROOT = Path(__file__).parents[2]
SAID = "canary-9f3c1e7ab2"  # what a caller wrote into arguments and names
CALLS = {
    "a good call": {"name": "docs_search_docs", "arguments": {"query": f"refund {SAID}"}},
    "a wrong argument": {"name": "docs_search_docs", "arguments": {"query": 7, SAID: SAID}},
    "an unknown tool": {"name": f"docs_{SAID}", "arguments": {}},
    "one without a right": {"name": "crm_log_note", "arguments": {"text": SAID}},
    "SQL that is refused": {"name": "warehouse_run_sql", "arguments": {"sql": f"DROP TABLE {SAID}"}},
    "SQL that fails": {"name": "warehouse_run_sql", "arguments": {"sql": f"SELECT '{SAID}'::date"}},
}  # fmt: skip

pytestmark = pytest.mark.timeout(300)


@dataclass
class Searched:
    stack: Stack
    telemetry: Telemetry
    issuer: Issuer
    told: Told = field(default_factory=Told)
    tokens: list[str] = field(default_factory=list)
    secrets: dict[str, bytes] = field(default_factory=dict)

    def missing_from(self, texts: dict[Any, bytes], *more: str) -> None:
        """No text holds a secret of the stack, a token of anyone, or one of these words."""
        words = self.secrets | {one: one.encode() for one in (*self.tokens, *more)}
        for where, text in texts.items():
            held = [name for name, secret in words.items() if secret in text]
            assert not held, f"{held} in {where}"
            assert b".eyJ" not in text or not TOKEN.search(text), f"a token in {where}"


@pytest.fixture(scope="module")
def telemetry() -> Iterator[Telemetry]:
    with canary.collecting() as kept:
        yield kept


@pytest.fixture(scope="module")
def stack(run_folder: Path, telemetry: Telemetry) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", telemetry.endpoint)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        patch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "500")
        with running(run_folder / "secrets-live", root=ROOT, within=200) as started:
            yield started


@pytest_asyncio.fixture(scope="module")
async def searched(stack: Stack, telemetry: Telemetry) -> AsyncIterator[Searched]:
    """The stack, after people and attackers have been there."""
    issuer = canary.issuer_of(stack)
    found = Searched(stack, telemetry, issuer, secrets=canary.secrets_of(stack))
    found.tokens = [issuer.token("ana"), issuer.token("ana", "aud:docs"), issuer.token("olu")]
    async with httpx2.AsyncClient(trust_env=False) as http:
        await use(found, http)
        await abuse(found, http)
        for page in await canary.console(http, issuer, "olu"):
            assert page.status_code in {200, 303}
            found.told.answer(page)
    await made(stack, one_allowed_call_each(stack))
    await asyncio.sleep(1.0)  # spans and metrics are on their way
    yield found


async def use(found: Searched, http: httpx2.AsyncClient) -> None:
    for params in CALLS.values():
        found.told.answer(
            await http.post(
                f"{found.issuer.gateway}/mcp",
                headers={
                    "authorization": f"Bearer {found.tokens[0]}", "mcp-method": "tools/call",
                    "mcp-name": str(params["name"]), "mcp-protocol-version": "2026-07-28",
                    "accept": "application/json, text/event-stream",
                },
                json={
                    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                    "params": {**params, "_meta": META},
                },
            )
        )  # fmt: skip


async def abuse(found: Searched, http: httpx2.AsyncClient) -> None:
    """Errors of every part: the door, the console, the issuer, and a server addressed directly."""
    ana, issuer = found.tokens[0], found.issuer
    servers = {
        part.name: f"{found.stack.filler().url(part.name)}/mcp"
        for part in found.stack.plan.servers()
    }
    bearer = {"authorization": f"Bearer {ana}"}
    forged = {"authorization": f"Bearer {ana[:-6]}AAAAAA"}
    mcp = f"{issuer.gateway}/mcp"
    for url, headers in (
        (mcp, {}), (mcp, forged), (f"{mcp}?access_token={ana}", {}),
        (mcp, {"cookie": f"token={ana}"}), (f"{issuer.gateway}/servers/docs/mcp", bearer),
        (f"{issuer.gateway}/servers/none/mcp", bearer), (f"{issuer.gateway}/debug", bearer),
        *((address, headers) for address in servers.values() for headers in ({}, bearer, forged)),
        (f"{issuer.protocol}/token", {}), (f"{issuer.protocol}/userinfo", forged),
    ):  # fmt: skip
        found.told.answer(await http.post(url, headers=headers, content=b"{" + SAID.encode()))
    wrong = {"grant_type": "password", "client_id": "mcp-dev-cli", "username": "ana"}
    found.told.answer(await http.post(f"{issuer.protocol}/token", data={**wrong, "password": SAID}))
    for path in ("/console/callback?code=x&state=y", "/console/calls?person=%00", "/console/none"):
        found.told.answer(await http.get(f"{issuer.gateway}{path}"))


def test_p02_no_answer_and_no_page_holds_a_secret(searched: Searched) -> None:
    assert len(searched.told.heard) > 30
    searched.missing_from(dict(enumerate(searched.told.heard)))


def test_p02_no_file_holds_a_secret_but_those_that_keep_them(searched: Searched) -> None:
    """Logs, the stack file, the realm, the databases' own files; what a caller wrote is in no log."""
    files = canary.left_behind(searched.stack)
    here = searched.stack.here
    assert {here.stack, here.state, here.logs / "gateway.log"} <= set(files)
    searched.missing_from(dict(files))
    logs = {path: text for path, text in files.items() if path.parent == here.logs}
    assert len(logs) > 8
    searched.missing_from(dict(logs), SAID)


def test_p02_what_keeps_secrets_is_open_to_its_owner_alone(searched: Searched) -> None:
    others = stat.S_IRWXG | stat.S_IRWXO
    for name in canary.KEPT:
        folder = searched.stack.here.run / name
        assert folder.stat().st_mode & others == 0, folder


def test_p02_no_span_and_no_metric_holds_a_secret_or_what_a_caller_wrote(
    searched: Searched,
) -> None:
    whole = b"".join(searched.telemetry.bodies)
    for needed in (b"docs_search_docs", b"mcp.server.operation.duration", b"tools/call"):
        assert needed in whole
    searched.missing_from(dict(enumerate(searched.telemetry.bodies)), SAID)


async def test_p02_no_record_holds_a_secret(searched: Searched) -> None:
    superuser = await asyncpg.connect(with_database(searched.stack.filler().postgres, "ledger"))
    try:
        rows = await superuser.fetch("SELECT body FROM audit.record")
    finally:
        await superuser.close()
    assert len(rows) > 10
    searched.missing_from({number: row["body"] for number, row in enumerate(rows)})


async def test_p02_a_login_can_be_kept_in_a_file_instead_of_the_environment(
    searched: Searched, tmp_path: Path
) -> None:
    """As SECURITY.md says: the URL names a password file, and holds no password."""
    filler, file = searched.stack.filler(), tmp_path / "pgpass"
    file.touch(mode=0o600)
    password = filler.secrets.get("postgres-audit_writer")
    file.write_text(f"127.0.0.1:{filler.ports['postgres']}:ledger:audit_writer:{password}\n")
    address = f"127.0.0.1:{filler.ports['postgres']}/ledger"
    writer = await asyncpg.connect(f"postgresql://audit_writer@{address}?passfile={file}")
    try:
        assert await writer.fetchval("SELECT current_user") == "audit_writer"
    finally:
        await writer.close()


# what each process is given in its environment; a server of its own gets what its stack.toml says
GIVEN = {
    "gateway": {"postgres-audit_writer", "postgres-audit_reader", "valkey"},
    "issuer": {"demo-password"},
    "postgres": set(),
    "valkey": set(),
    "warehouse": {"postgres-wh_ro", "postgres-wh_results"},
    "crm": {"postgres-crm_outbox", "crm-token"},
    "docs": {"postgres-docs_ro"},
    "crm-api": {"postgres-crm_sandbox", "crm-token"},
}  # fmt: skip


def test_p02_a_process_is_given_its_own_secrets_and_shows_them_to_its_user_alone(
    searched: Searched,
) -> None:
    """They are in /proc/<pid>/environ, which the same user (and root) can read; no command line,
    which everyone can read, holds one, and no process has the administrator's password.
    """
    board = read_board(searched.stack.here.state)
    assert board is not None
    here = searched.stack.here.secrets
    secrets = {path.name: path.read_text("latin-1").strip() for path in here.iterdir()}
    pids = {name: part.pid for name, part in board.parts.items() if part.pid is not None}
    assert set(GIVEN) <= set(pids)
    for name, pid in pids.items():
        process, file = psutil.Process(pid), Path(f"/proc/{pid}/environ")
        held = " ".join(process.environ().values())
        assert {one for one, secret in secrets.items() if secret in held} == GIVEN.get(
            name, set()
        ), name
        assert stat.S_IMODE(file.stat().st_mode) == 0o400
        searched.missing_from({f"the command line of {name}": " ".join(process.cmdline()).encode()})


def test_p04_every_process_listens_on_its_one_port_on_loopback(searched: Searched) -> None:
    """There is no second listener for debugging or metrics: telemetry is pushed."""
    board = read_board(searched.stack.here.state)
    assert board is not None
    for name, part in board.parts.items():
        if part.pid is None:
            continue
        listening = [
            one.laddr for one in psutil.Process(part.pid).net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]  # fmt: skip
        assert [one.port for one in listening] == [searched.stack.filler().ports[name]], name
        assert {one.ip for one in listening} <= {"127.0.0.1", "::1"}
