"""Week 3: what happened is on record, and the record can be checked by somebody else."""

import asyncio
import contextlib
import copy
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from mcp_gateway.audit import keys, lookup
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints import keeper
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints import options as checkpoint_options
from mcp_gateway.audit.checkpoints.entry import EntryError
from mcp_gateway.audit.checkpoints.place import Place
from mcp_gateway.audit.verify import verify
from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.needs import expecting, kit_of, one_allowed
from mcp_playbook.deployment import Deployment
from mcp_playbook.wire import Reply
from mcp_shared.meta import RECEIPT

WANTED = 1_000
SPANS_DAYS = (1, 7, 31, 366, 3660)
LOOKED_AT = 50  # of the newest checkpoints, for one call
FRESH_SECONDS = 10.0  # longer than the interval between two checkpoints
PLACED = "Set GATEWAY_CHECKPOINTS to where the database's owner cannot write: decision 26."
BROKEN = ("CHECKPOINT-ROOT", "CHECKPOINT-HEAD", "TRUNCATED", "SEGMENT-MISSING")
# roles of the ledger that could reach a directory through the database's own process
WRITERS = """
    SELECT rolname FROM pg_roles WHERE rolname IN ('audit_owner', 'audit_writer', 'audit_reader')
    AND (rolsuper OR pg_has_role(rolname, 'pg_write_server_files', 'MEMBER')
         OR pg_has_role(rolname, 'pg_execute_server_program', 'MEMBER')) ORDER BY rolname
"""
FIELDS = ("person", "agent", "server", "tool", "args", "decision", "status")


def _ledger(at: Deployment) -> tuple[str, Keys]:
    kit = kit_of(at)
    if kit.ledger is None:
        raise NotYet(
            f"the ledger cannot be read from here: {kit.ledger_missing}",
            do="Set that variable to its address, as audit_reader: see playbook/deployment.md.",
        )
    if kit.ledger_public is None or not kit.ledger_public.is_file():
        raise NotYet(
            f"the ledger's public key is not at {kit.ledger_public}",
            do="Set ledger_public in deployment.toml to where you keep it.",
        )
    return kit.ledger, keys.load_public(kit.ledger_public)


def _receipt(reply: Reply) -> dict[str, Any]:
    data = reply.error.get("data") or reply.result.get("_meta") or {}
    found = data.get(RECEIPT)
    if not isinstance(found, dict):
        raise Failed(f"no receipt came with {reply.brief()}", do="Is this the gateway's answer?")
    return found


@line(
    "W3-09", "kit", "Every call is on record: agent, person, tool, arguments, status, latency",
    "CC7.2", "CC7.3", "A.8.15", "A.5.28",
)  # fmt: skip
async def recorded(at: Deployment) -> str:
    url, trusted = _ledger(at)
    told = []
    for probe in [*one_allowed(at), *expecting(at, "refused")[:1]]:
        begun = datetime.now(UTC) - timedelta(seconds=5)
        reply = await at.call(probe)
        body, intent = await _bodies(url, trusted, probe.person, probe.tool, reply, begun)
        record = {**intent, **body}
        if missing := [one for one in FIELDS if record.get(one) in (None, "")]:
            raise Failed(
                f"the record of {probe.tool} lacks {', '.join(missing)}", do="Report it: a defect."
            )
        if probe.expect == "allowed" and not isinstance(body.get("latency_ms"), int | float):
            raise Failed(f"the record of {probe.tool} has no latency", do="Report it: a defect.")
        if record["person"] != probe.person or record["tool"] != probe.tool:
            raise Failed(f"the record names {record['person']}, {record['tool']}", do="A defect.")
        took = f", {body['latency_ms']:.0f} ms" if "latency_ms" in body else ""
        told.append(
            f"{record['person']} via {record['agent']}: {probe.server}.{probe.tool} "
            f"{record['status']}{took}"
        )
    return "; ".join(told)


async def _bodies(
    url: str, trusted: Keys, person: str, tool: str, reply: Reply, since: datetime
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The proved record of this answer, and the intent of the same call."""
    data = (reply.error.get("data") or reply.result.get("_meta") or {}).get(RECEIPT)
    connection = await asyncpg.connect(url)
    try:
        if isinstance(data, dict):
            where = (UUID(data["segment"]), int(data["seq"]))
        else:  # a refused caller gets no receipt: it would tell that the tool exists
            row = await connection.fetchrow(
                "SELECT seg, seq FROM audit.record WHERE person = $1 AND tool = $2 AND ts >= $3 "
                "ORDER BY ts DESC LIMIT 1", person, tool, since,
            )  # fmt: skip
            if row is None:
                raise Failed(f"{person} calling {tool} is not on record", do="make audit")
            where = (row["seg"], row["seq"])
        proof = await lookup.verify_entry(url, trusted, *where)
        if proof.body is None or proof.findings:
            raise Failed(f"the record of {tool} does not verify", do="make audit")
        found = await connection.fetchrow(
            "SELECT seg, seq FROM audit.record WHERE rid = $1 AND kind = 'intent'",
            proof.body.get("rid"),
        )
    finally:
        await connection.close()
    intent = await lookup.verify_entry(url, trusted, found["seg"], found["seq"]) if found else None
    return proof.body, (intent.body if intent and intent.body else {})


@line("W3-10", "kit", "The last 1,000 records verify", "CC7.2", "A.8.15", "A.5.28", "A.5.33")
async def verifies(at: Deployment) -> str:
    url, trusted = _ledger(at)
    for days in SPANS_DAYS:
        since = (datetime.now(UTC) - timedelta(days=days)).date()
        report = await verify(url, trusted, since=since)
        if not report.sound:
            first = report.findings[0]
            raise Failed(
                f"{report.total} finding(s); first: {first.kind} {first.what} at {first.place()}",
                do="playbook/runbooks/ledger-tampered.md; change nothing in the database.",
            )
        if report.records >= WANTED:
            break
    if not report.records:
        raise Failed("the ledger is empty", do="Make a call; is this the right ledger?")
    few = "" if report.records >= WANTED else f" (there are no {WANTED:,} yet)"
    return (
        f"{report.records:,} records in {report.blocks:,} signed blocks verify{few}; "
        f"{len(report.open)} under way; keys {', '.join(report.keys)}"
    )


@line(
    "W3-11", "kit",
    "A receipt proves its call with the public key alone, and an altered one does not",
    "A.5.28", "A.5.33", "CC7.3",
)  # fmt: skip
async def receipts(at: Deployment) -> str:
    url, trusted = _ledger(at)
    receipt = _receipt(await at.call(one_allowed(at)[0]))
    for place in (None, url):
        if (finding := await lookup.verify_receipt(receipt, trusted, place)) is not None:
            raise Failed(f"{finding.kind}: {finding.what}", do="make audit; is this the right key?")
    altered = copy.deepcopy(receipt)
    altered["seq"] = int(altered["seq"]) + 1
    if await lookup.verify_receipt(altered, trusted, None) is None:
        raise Failed("an altered receipt was accepted", do="Report it: a defect of the verifier.")
    return f"record {receipt['seq']} of {str(receipt['segment'])[:8]} proved; altered: refused"


@line(
    "W3-20", "kit", "Checkpoints of the ledger are kept outside its database", "A.8.15", "A.5.33",
    "CC7.2",
)  # fmt: skip
async def checkpoints(at: Deployment) -> str:
    url, trusted = _ledger(at)
    where = _place(at)
    public = kit_of(at).ledger_public
    assert public is not None  # noqa: S101  _ledger has looked
    try:
        verifiers = checkpoint_key.verifiers(public.with_name(checkpoint_key.PUBLIC_NAME))
    except keys.KeyFileError as error:
        raise NotYet(f"the checkpoints' public key is not at hand: {error}", do=PLACED) from error
    await _apart(url, where)
    receipt = _receipt(await at.call(one_allowed(at)[0]))
    try:
        place = await asyncio.to_thread(keeper.opened, where)
        seconds = await _covering(place, receipt)
        found = await asyncio.to_thread(checkpoint_check.read, place, verifiers)
    except OSError as error:
        raise Failed(f"{where} cannot be read: {error}", do=PLACED) from error
    since = (datetime.now(UTC) - timedelta(days=1)).date()
    report = await verify(url, trusted, since=since, witnessed=found)
    if wrong := [one for one in report.findings if one.kind in BROKEN]:
        raise Failed(
            f"{wrong[0].kind}: {wrong[0].what} {wrong[0].place()}".strip(),
            do="playbook/runbooks/ledger-tampered.md; change nothing in the database.",
        )
    return (
        f"{found.entries:,} checkpoints of {found.size:,} heads at {where} verify; a call was "
        f"covered after {seconds:.1f} s; no login of the ledger can write files"
    )


def _place(at: Deployment) -> str:
    told = kit_of(at).gateway_env
    place = (os.environ if told is None else told).get(checkpoint_options.VARIABLE, "")
    if not place:
        raise NotYet(
            "nothing is written outside the database: records cut off at the end, or a whole "
            "segment removed, are seen only by a caller's receipt",
            do=PLACED,
        )
    return place


async def _apart(url: str, place: str) -> None:
    """As far as it can be told from here; who administers both machines cannot."""
    if "://" not in place and _inside_a_database(Path(place)):
        raise Failed(f"{place} is in the database's own folder", do=PLACED)
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(WRITERS)
    finally:
        await connection.close()
    if rows:
        names = ", ".join(row["rolname"] for row in rows)
        raise Failed(
            f"{names} can write files where the database runs",
            do="REVOKE that: of the ledger's roles none may be a superuser or write server files.",
        )


def _inside_a_database(folder: Path) -> bool:
    here = folder.absolute()
    return any((one / "PG_VERSION").exists() for one in (here, *here.parents))


async def _covering(place: Place, receipt: dict[str, Any]) -> float:
    """How long it takes until the newest checkpoints cover this receipt."""
    segment, block, begun = UUID(receipt["segment"]), int(receipt["block"]), time.monotonic()
    while True:
        last, covered = await asyncio.to_thread(_newest, place, segment, block)
        seconds = time.monotonic() - begun
        if covered:
            return seconds
        if seconds > FRESH_SECONDS:
            told = f"the last is of {last:%Y-%m-%d %H:%M:%S} UTC" if last else "none is there"
            raise Failed(
                f"a call was not covered within {FRESH_SECONDS:.0f} s; {told}",
                do="The gateway's log says why; is the place mounted, may the gateway write there?",
            )
        await asyncio.sleep(0.2)


def _newest(place: Place, segment: UUID, block: int) -> tuple[datetime | None, bool]:
    last, covered = None, False
    for name in place.newest(LOOKED_AT):
        with contextlib.suppress(EntryError):  # reading all of them names what is wrong
            entry = checkpoint_entry.read(place.get(name))
            last = entry.written
            covered |= any(one.segment == segment and one.block >= block for one in entry.leaves)
    return last, covered
