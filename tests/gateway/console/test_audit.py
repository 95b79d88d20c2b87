"""The auditor's page: what it shows, whom it lets in, and that it records who looked."""

from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import orjson
import pytest
from gateway.console.conftest import House

from mcp_gateway.audit import receipt
from mcp_gateway.audit.keys import load_public
from mcp_gateway.audit.offline.trust import load
from mcp_gateway.audit.offline.verify import verify

TODAY = datetime.now(UTC).date()


async def place(house: House, rid: str) -> str:
    connection = await asyncpg.connect(house.reader_url)
    row = await connection.fetchrow(
        "SELECT seg_day, seg, seq FROM audit.record WHERE rid = $1 ORDER BY seq DESC LIMIT 1", rid
    )
    await connection.close()
    assert row is not None
    return f"{row['seg_day']}/{row['seg']}/{row['seq']}"


async def tampered(house: House, statement: str) -> None:
    connection = await asyncpg.connect(house.admin)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(statement)
    await connection.close()


async def test_auditors_and_operators_may_look_and_nobody_else(house: House) -> None:
    for roles, status in (
        (("auditor",), 200),
        (("operator",), 200),
        (("sales",), 403),
        (None, 303),
    ):
        async with house.visit(roles) as browser:
            for address in ("/console/audit", f"/console/audit/export?from={TODAY}&to={TODAY}"):
                assert (await browser.get(address)).status_code == status, roles


async def test_a_search_is_on_the_record_before_it_is_shown(house: House) -> None:
    await house.call(person="ana")
    async with house.visit(("auditor",)) as browser:
        page = await browser.get("/console/audit")
        assert house.diary.lines == [], "the state alone reads nobody's data"
        page = await browser.get("/console/audit?person=ana&window=1h")
        assert "crm_find_contacts" in page.text
        [(event, detail)] = house.diary.lines
        assert event == "ledger_read"
        assert (detail["by"], detail["person"], detail["window"]) == ("olu", "ana", "1h")
        house.diary.down = True
        refused = await browser.get("/console/audit?person=ana&window=1h")
    assert refused.status_code == 503
    assert "crm_find_contacts" not in refused.text


async def test_who_opens_a_call_is_on_the_record(house: House) -> None:
    rid = await house.call()
    async with house.visit(("operator",)) as browser:
        assert (await browser.get(f"/console/calls/{rid}")).status_code == 200
        assert (await browser.get(f"/console/records/{await place(house, rid)}")).status_code == 200
        assert [(event, detail["by"]) for event, detail in house.diary.lines] == [
            ("ledger_read", "olu")
        ] * 2
        assert house.diary.lines[0][1]["rid"] == rid
        house.diary.down = True
        refused = await browser.get(f"/console/calls/{rid}")
    assert (refused.status_code, "Acme" in refused.text) == (503, False)


async def test_the_newest_blocks_are_looked_at(house: House) -> None:
    await house.call()
    async with house.visit(("auditor",)) as browser:
        assert (
            "The newest blocks are what was signed." in (await browser.get("/console/audit")).text
        )
        await tampered(house, "UPDATE audit.block SET root = prev WHERE block = 2")
        page = (await browser.get("/console/audit")).text
        assert "What is stored is not what was signed." in page
        assert "Block 3 does not follow the block before it." in page


async def test_an_edited_record_of_the_last_block_is_seen(house: House) -> None:
    await house.call()
    await tampered(house, "UPDATE audit.record SET body = '{}' WHERE seq = 3")
    async with house.visit(("auditor",)) as browser:
        page = (await browser.get("/console/audit")).text
    assert "are not what was signed" in page


@pytest.mark.parametrize("missing", [None, Path("/nowhere/ledger.pub")])
async def test_without_the_public_key_nothing_is_claimed(
    house: House, missing: Path | None
) -> None:
    rid = await house.call()
    where = await place(house, rid)
    async with house.visit(("auditor",), ledger_public=missing) as browser:
        assert "Not asked." in (await browser.get("/console/audit")).text
        assert (await browser.get(f"/console/audit/{where}")).status_code == 400


async def test_a_records_proof_shows_its_path_and_gives_its_receipt(house: House) -> None:
    rid = await house.call()
    where = await place(house, rid)
    async with house.visit(("auditor",)) as browser:
        page = await browser.get(f"/console/audit/{where}")
        assert page.status_code == 200
        assert "mcp-ledger block v1" in page.text
        assert f"/console/records/{where}/verify" in page.text
        file = await browser.get(f"/console/audit/{where}?download=1")
        assert "attachment" in file.headers["content-disposition"]
        header, _ = receipt.check(orjson.loads(file.content), load_public(house.public_keys))
        assert header.root.hex() in page.text
        assert [event for event, _ in house.diary.lines] == ["ledger_read", "ledger_read"]
        await tampered(house, "UPDATE audit.record SET body = '{}' WHERE seq = 3")
        page = await browser.get(f"/console/audit/{where}")
    assert page.status_code == 409
    assert "Not proved." in page.text


async def test_an_export_from_the_console_verifies_and_is_on_the_record(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.call()
    address = f"/console/audit/export?from={TODAY}&to={TODAY}"
    async with house.visit(("auditor",)) as browser:
        file = await browser.get(address)
        assert file.status_code == 200
        path = tmp_path / "a.jsonl.zst"
        path.write_bytes(file.content)
        report, digest = verify(str(path), load(house.public_keys), jobs=1)
        assert report.sound, report.text()
        (begun, _), (ended, detail) = house.diary.lines
        assert (begun, ended) == ("ledger_export_begun", "ledger_exported")
        assert (detail["sha256"], detail["records"]) == (digest, report.records)
        monkeypatch.setattr("mcp_gateway.console.audit.EXPORT_RECORDS", 1)
        much = await browser.get(address)
        assert (much.status_code, "make audit-export" in much.text) == (400, True)
        for wrong in ("from=x&to=y", f"from={TODAY}&to=2020-01-01", ""):
            assert (await browser.get(f"/console/audit/export?{wrong}")).status_code == 400
        house.diary.down = True
        monkeypatch.undo()
        assert (await browser.get(address)).status_code == 503
