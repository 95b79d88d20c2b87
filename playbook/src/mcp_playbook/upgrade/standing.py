"""What a running stack stands for: its records, its receipts, and what people may call.

Taken before an upgrade and held against the stack after it. Reads the ledger as its reader; the
calls are those of the demo.toml files.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import asyncpg
import orjson

from mcp_gateway.audit import keys
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.lookup import verify_entry, verify_receipt
from mcp_gateway.switches.cli import operator
from mcp_local import control, governed, ledger_view
from mcp_local.board import READY, read_board
from mcp_local.fill import Filler, with_database, with_login
from mcp_local.load import Stack
from mcp_local.postgres_home import data_of

RECEIPTS = 10  # of the newest records, kept to be checked after
REPLICA = "upgrade"  # under whose name the record is written

State = Literal["well", "unwell", "stopped", "none"]

_ENDS = "SELECT seg::text, max(seq) AS last, count(*) AS records FROM audit.record GROUP BY seg"
_NEWEST = "SELECT seg, seq FROM audit.record ORDER BY ts DESC NULLS LAST, seq DESC LIMIT $1"
_POLICY = (
    "SELECT body FROM audit.record WHERE kind IN ('intent', 'refusal') ORDER BY ts DESC LIMIT 1"
)


@dataclass
class Standing:
    records: int = 0
    ends: dict[str, int] = field(default_factory=dict)  # segment → number of its last record
    receipts: list[dict[str, Any]] = field(default_factory=list)
    calls: list[list[str]] = field(default_factory=list)  # person, tool, decision
    policy: str = ""  # of the newest call


def state(stack: Stack) -> State:
    """Whether the stack runs well, runs badly, is stopped with data, or was never started."""
    here = stack.here
    if control.supervisor_pid(here) is not None:
        board = read_board(here.state)
        well = board is not None and all(part.status in READY for part in board.parts.values())
        return "well" if well and here.stack.is_file() else "unwell"
    return "stopped" if here.database_url or data_of(here.run / "postgres").is_dir() else "none"


def taken(stack: Stack) -> Standing:
    """The calls first, so that their records are among those looked for afterwards."""
    filler = stack.filler()
    calls = made(filler)
    found = asyncio.run(read(ledger_view.reader_url(filler), _trusted(filler)))
    found.calls = calls
    return found


def made(filler: Filler) -> list[list[str]]:
    here = filler.place
    listed = [call for server in filler.plan.servers() for call in governed.calls_of(server)]
    endpoint = f"{here.issuer}/protocol/openid-connect/token"
    outcomes = asyncio.run(
        governed.make(listed, f"{here.gateway}/mcp", endpoint, here.secrets / "demo-password")
    )
    return [
        [one.call.person, f"{one.call.server}_{one.call.tool}", one.decision] for one in outcomes
    ]


async def read(url: str, trusted: Keys) -> Standing:
    """What the ledger stands for now; its calls are for others to make."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        ends = await connection.fetch(_ENDS)
        newest = await connection.fetch(_NEWEST, RECEIPTS)
        body = await connection.fetchval(_POLICY)
    finally:
        await connection.close()
    proofs = [await verify_entry(url, trusted, row["seg"], row["seq"]) for row in newest]
    return Standing(
        records=sum(row["records"] for row in ends),
        ends={row["seg"]: row["last"] for row in ends},
        receipts=[proof.receipt for proof in proofs if proof.receipt is not None],
        policy=str(orjson.loads(body).get("policy") or "") if body else "",
    )


def missing(stack: Stack, before: Standing) -> list[str]:
    """What the ledger held before and does not hold now; nothing, when all of it is there."""
    filler = stack.filler()
    return asyncio.run(lost(ledger_view.reader_url(filler), _trusted(filler), before))


async def lost(url: str, trusted: Keys, before: Standing) -> list[str]:
    now = await read(url, trusted)
    found = [
        f"segment {segment[:8]} ended at record {last} and ends at {now.ends.get(segment, 0)} now"
        for segment, last in before.ends.items()
        if now.ends.get(segment, 0) < last
    ]
    if now.records < before.records:
        found.append(f"there were {before.records:,} records, and there are {now.records:,} now")
    found += [
        f"receipt of {finding.place()}: {finding.what}"
        for receipt in before.receipts
        if (finding := await verify_receipt(receipt, trusted, url))
    ]
    return found


@dataclass(frozen=True)
class Otherwise:
    """A call that ends in another way than before."""

    person: str
    tool: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.person} calling {self.tool}: {self.before} before, {self.now} now"


def otherwise(before: list[list[str]], after: list[list[str]]) -> Iterator[Otherwise]:
    """A call that is new or gone is none of them."""
    was = {(person, tool): decision for person, tool, decision in before}
    for person, tool, decision in after:
        if (earlier := was.get((person, tool), decision)) != decision:
            yield Otherwise(person, tool, earlier, decision)


def put_on_record(stack: Stack, detail: dict[str, Any]) -> None:
    """An event beside the calls: who took which version, with the policy before and after."""
    filler = stack.filler()
    role = "audit_writer"
    url = with_login(
        with_database(filler.postgres, "ledger"), role, filler.secrets.get(f"postgres-{role}")
    )
    asyncio.run(_append(url, filler, {**detail, "by": operator()}))


async def _append(url: str, filler: Filler, detail: dict[str, Any]) -> None:
    ledger = await Ledger.open(url, filler.place.secrets / keys.PRIVATE_NAME, REPLICA)
    try:
        await ledger.append("event", {"reason": "kit_upgraded", "detail": detail})
    finally:
        await ledger.aclose()


def _trusted(filler: Filler) -> Keys:
    return keys.load_public(filler.place.secrets / keys.PUBLIC_NAME)
