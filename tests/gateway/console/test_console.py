import hashlib
import re
import tomllib
from pathlib import Path

import asyncpg
import pytest
from gateway.console.conftest import House

from mcp_gateway import console
from mcp_gateway.console.connect import configurations

FOLDER = Path(console.__file__).parent
VENDORED = sorted((FOLDER / "static" / "vendor").iterdir())
PAGES = ("/console/", "/console/calls", "/console/policy", "/console/connect")


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_what_is_vendored_is_what_was_taken_with_its_licence(folder: Path) -> None:
    said = tomllib.loads((folder / "VENDORED.toml").read_text("utf-8"))
    data = (folder / Path(said["file"]).name).read_bytes()
    assert hashlib.sha256(data).hexdigest() == said["sha256"]
    assert said["version"].encode() in data
    assert len((folder / "LICENSE").read_text("utf-8")) > 300


@pytest.mark.parametrize("address", [*PAGES, "/console/nothing", "/console/static/console.css"])
async def test_every_answer_forbids_foreign_and_inline_code(house: House, address: str) -> None:
    await house.call("failed")
    async with house.visit() as browser:
        answer = await browser.get(address)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    if "html" in answer.headers["content-type"]:
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(
            r"<style|\sstyle=|\son[a-z]+=|<script(?! src=\"/console/static/)", answer.text
        )


async def test_strangers_see_what_this_is_and_nothing_else(house: House) -> None:
    async with house.visit(roles=None) as browser:
        welcome = await browser.get("/console/")
        assert 'href="/console/sign-in"' in welcome.text
        assert "Overview" not in welcome.text
        for address in PAGES[1:]:
            assert (await browser.get(address)).status_code == 303
        assert (await browser.get("/console/static/console.css")).status_code == 200
        assert (await browser.get("/console/static/../app.py")).status_code == 404


async def test_the_policy_page_is_a_matrix_of_roles_and_tools(house: House) -> None:
    async with house.visit() as browser:
        page = (await browser.get("/console/policy")).text
    row = page.partition("log_note")[2].partition("</tr>")[0]
    assert "quarantined" in row
    assert "$.contacts[*].phone: sales, support" in page
    assert "records by owner: support all, sales team" in page
    assert "write" in row
    assert "$.text" in row
    assert re.search(r"contractor may read, </span>3/min", page)
    assert "contractor may not" in row
    assert "not pinned: not served" in page.partition("forgotten")[2].partition("</tr>")[0]
    assert "0123abcd4567" in page
    assert "claude-code" in page


async def test_the_connect_page_has_something_to_paste_for_every_endpoint(house: House) -> None:
    async with house.visit() as browser:
        all_servers = (await browser.get("/console/connect")).text
        one = (await browser.get("/console/connect?endpoint=crm")).text
        wrong = await browser.get("/console/connect?endpoint=nothing")
    assert "claude mcp add --transport http" in all_servers
    assert "http://localhost:18080/mcp" in all_servers
    assert "http://localhost:18080/servers/crm/mcp" in one
    assert "aud:crm" in one
    assert wrong.status_code == 400


def test_configurations_name_the_endpoint_and_carry_no_secret() -> None:
    for one in configurations("https://mcp.example/mcp"):
        assert "https://mcp.example/mcp" in one.text
        assert "secret" not in one.text.lower()


async def test_without_the_ledger_the_page_says_so_and_nothing_else(house: House) -> None:
    gone = "postgresql://audit_reader:nobody@127.0.0.1:9/ledger"
    async with house.visit(reader_url=gone) as browser:
        for address in (
            "/console/",
            "/console/calls",
            "/console/calls/019f0000-0000-7000-8000-000000000000",
        ):
            page = await browser.get(address)
            assert page.status_code == 503
            assert "does not answer" in page.text
            assert "Traceback" not in page.text
            assert "127.0.0.1:9" not in page.text
        assert (await browser.get("/console/policy")).status_code == 200


async def test_a_wrong_password_for_the_ledger_is_no_leak_either(house: House) -> None:
    wrong = house.reader_url.replace("reader-secret", "mistaken")
    async with house.visit(reader_url=wrong) as browser:
        page = await browser.get("/console/")
    assert page.status_code == 503
    assert "password" not in page.text


async def test_a_view_that_takes_too_long_says_what_to_do(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcp_gateway.console.reader.STATEMENT_SECONDS", 0.3)
    admin = await asyncpg.connect(house.admin)
    async with house.visit() as browser, admin.transaction():
        await admin.execute("LOCK TABLE audit.record IN ACCESS EXCLUSIVE MODE")
        page = await browser.get("/console/")
    await admin.close()
    assert page.status_code == 503
    assert "Choose a shorter window" in page.text


async def test_the_console_comes_back_with_the_database(house: House) -> None:
    await house.call()
    async with house.visit() as browser:
        assert (await browser.get("/console/")).status_code == 200
        admin = await asyncpg.connect(house.admin)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-console'"
        )
        await admin.close()
        assert (await browser.get("/console/")).status_code == 200
