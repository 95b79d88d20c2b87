"""Encrypted arguments beside the record: every one that a record names, and no other."""

from datetime import date

from mcp_gateway.audit.chain import Chain
from mcp_gateway.audit.findings import Finding, Report
from mcp_gateway.audit.payload import ciphertext_hash
from mcp_gateway.audit.store import Connection

AT_A_TIME = 50  # in memory; each has half a megabyte at most

_NAMED = """
    SELECT rid, key_id::text AS key, nonce, ct FROM audit.payload
    WHERE seg_day = $1 AND rid = ANY($2)
"""
_ALL = """
    SELECT count(*) FROM audit.payload WHERE $1::date IS NULL OR (seg_day >= $1) IS NOT FALSE
"""
_THERE = "SELECT to_regclass('audit.payload') IS NOT NULL"


async def compare(connection: Connection, chain: Chain, report: Report) -> None:
    """What the records of a run name. Inside a transaction."""
    named, chain.payloads = chain.payloads, {}
    if not named:
        return
    async for row in connection.cursor(_NAMED, chain.day, list(named), prefetch=AT_A_TIME):
        said = named.pop(row["rid"], None)
        if said is None:
            continue  # `count` sees it
        report.payloads += 1
        if said != (row["key"], ciphertext_hash(row["nonce"], row["ct"])):
            what = f"call {row['rid']}: its encrypted arguments are not those that were signed"
            report.add(Finding("PAYLOAD", what, chain.day, chain.segment))
    for rid in named:
        what = f"call {rid}: its encrypted arguments are gone"
        report.add(Finding("PAYLOAD", what, chain.day, chain.segment))


async def count(connection: Connection, since: date | None, report: Report) -> None:
    """After all of them: whether the table holds more."""
    if not await connection.fetchval(_THERE):
        return  # a copy from before there were any
    if (more := await connection.fetchval(_ALL, since) - report.payloads) > 0:
        what = f"{more} encrypted arguments are there that no record names"
        report.add(Finding("PAYLOAD", what))
