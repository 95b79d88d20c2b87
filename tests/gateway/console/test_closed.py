"""What operators have closed is on the console, or that it is not known."""

import asyncpg
from gateway.console.conftest import House

from mcp_gateway.switches import table
from mcp_gateway.switches.state import Kind


async def close(house: House, kind: Kind, name: str, **given: int | None) -> None:
    connection = await asyncpg.connect(house.admin)
    try:
        await table.add(
            connection, kind, name, closed=True, seconds=given.get("seconds"),
            reason="wrong <account> numbers", by="root@desk",
        )  # fmt: skip
    finally:
        await connection.close()


async def test_what_is_closed_is_on_the_policy_page_and_counted_on_the_overview(
    house: House,
) -> None:
    async with house.visit() as browser:
        nothing = (await browser.get("/console/policy")).text
        assert "Nothing." in nothing.partition('id="closed"')[2]
        assert "closed by an operator" not in (await browser.get("/console/")).text
        await close(house, "tool", "crm_log_note")
        await close(house, "agent", "cursor", seconds=3600)
        await close(house, "tokens", "ben")
        page = (await browser.get("/console/policy")).text.partition('id="closed"')[2]
        overview = (await browser.get("/console/")).text
    rows = [row.partition("</tr>")[0] for row in page.split("<tr>")[2:5]]
    assert [word in row for word, row in zip(("ben", "cursor", "crm_log_note"), rows, strict=True)]
    assert "opened by hand" in rows[2]
    assert rows[1].count("<time") == 2
    assert "wrong &lt;account&gt; numbers" in rows[0]
    assert "root@desk" in rows[0]
    assert "2 closed by an operator" in overview, "revoked tokens close nobody out"


async def test_with_the_ledger_away_what_is_closed_is_not_known(house: House) -> None:
    gone = "postgresql://audit_reader:nobody@127.0.0.1:9/ledger"
    async with house.visit(reader_url=gone) as browser:
        page = await browser.get("/console/policy")
    assert page.status_code == 200
    assert "Not known" in page.text
