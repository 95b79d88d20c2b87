"""The ledger of the running stack: sound as it is, and loud once somebody has edited it."""

import asyncpg
from live.commands import audit, local, made, one_allowed_call_each

from mcp_local.fill import with_database
from mcp_local.load import Stack


async def test_a_row_edited_by_hand_in_the_database_is_found_and_named(stack: Stack) -> None:
    await made(stack, one_allowed_call_each(stack))
    clean = audit(stack, "verify")
    assert clean.returncode == 0, clean.stdout + clean.stderr

    superuser = await asyncpg.connect(with_database(stack.filler().postgres, "ledger"))
    try:
        row = await superuser.fetchrow(
            "SELECT seg_day, seg, seq, block, body FROM audit.record WHERE kind = 'outcome' LIMIT 1"
        )
        assert row is not None
        edited = row["body"].replace(b'"decision":"allow"', b'"decision":"error"')
        assert edited != row["body"]
        edit = "UPDATE audit.record SET body = $1 WHERE seg_day = $2 AND seg = $3 AND seq = $4"
        where = (row["seg_day"], row["seg"], row["seq"])
        await superuser.execute("SET session_replication_role = replica")  # triggers off
        await superuser.execute(edit, edited, *where)
        try:
            found = audit(stack, "verify")
            through_make = local(
                stack, "env", "gateway", "{python}", "-m", "mcp_gateway.audit", "verify"
            )
        finally:
            await superuser.execute(edit, row["body"], *where)
    finally:
        await superuser.close()
    for told in (found, through_make):
        assert told.returncode == 1, told.stdout + told.stderr
        assert "BLOCK" in told.stdout
        assert str(row["seg"])[:8] in told.stdout
    assert audit(stack, "verify").returncode == 0
