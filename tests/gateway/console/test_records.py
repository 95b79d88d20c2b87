import re
import uuid
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from gateway.console.conftest import House

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</pre></td><svg/onload=alert(1)>",
    "{{ 1234567 * 9 }}{% raw %}",
    "javascript:alert(1)",
    "\u202egpj.exe\u202c",
    "a\x00b\x1b[31mc\r\nd",
    "zero\u200bwidth\ufeff\u2066",
    "tag\U000e0041",
    "blank\u3164\u00a0\u115f",
]  # fmt: skip


def verify_addresses(page: str) -> list[str]:
    return re.findall(r'hx-get="([^"]+/verify)"', page)


async def test_a_call_shows_intent_and_outcome_with_their_place(house: House) -> None:
    rid = await house.call("ok", args={"text": "Müller & Söhne", "limit": 5}, trace="ab" * 16)
    async with house.visit() as browser:
        page = await browser.get(f"/console/calls/{rid}")
    assert page.status_code == 200
    text = page.text
    assert text.index("Intent, before the call left") < text.index(
        "Outcome, before the answer left"
    )
    assert "Müller &amp; Söhne" in text
    assert "ab" * 16 in text
    assert len(verify_addresses(text)) == 2


async def test_hostile_text_in_any_field_is_shown_and_not_obeyed(house: House) -> None:
    rids = []
    for hostile in HOSTILE:
        said: dict[str, Any] = dict.fromkeys(
            ("person", "agent", "tool", "reason", "trace", "server", "sub"), hostile
        )
        rids.append(
            await house.call("failed", args={hostile: [hostile, {"deep": hostile}]}, **said)
        )
        await house.call(method=hostile)
        await house.refusal(hostile, hostile, tool=hostile, method=hostile, server=hostile)
    async with house.visit() as browser:
        pages = [
            await browser.get(address)
            for address in (
                "/console/",
                "/console/calls",
                "/console/calls?show=events",
                *(f"/console/calls/{rid}" for rid in rids),
            )
        ]
    for page in pages:
        assert page.status_code == 200
        for tag in (
            "<script>alert",
            "<img src=x",
            "<svg/onload",
            "' onmouseover='",
            'href="javascript',
        ):
            assert tag not in page.text
        assert "11111103" not in page.text
        bare = re.sub(r"[\n\u202f]", "", page.text)
        assert bare.isprintable(), [hex(ord(c)) for c in bare if not c.isprintable()]
        for unseen in "\u3164\u115f\u202e":
            assert unseen not in page.text


async def test_code_points_that_steer_are_named(house: House) -> None:
    rid = await house.call(args={"text": "\u202egpj.exe"})
    async with house.visit() as browser:
        page = (await browser.get(f"/console/calls/{rid}")).text
    assert '<span class="codepoint" title="right-to-left override">U+202E</span>gpj.exe' in page


async def test_a_record_is_verified_against_the_public_key(house: House) -> None:
    rid = await house.call()
    async with house.visit() as browser:
        page = (await browser.get(f"/console/calls/{rid}")).text
        for address in verify_addresses(page):
            verdict = (await browser.get(address)).text
            assert "Verified." in verdict
            assert "hashes from this record to the root" in verdict


async def test_a_record_edited_in_the_database_is_not_verified(house: House) -> None:
    rid = await house.call()
    connection = await asyncpg.connect(house.admin)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "UPDATE audit.record SET body = replace(convert_from(body, 'utf8'), 'Acme', 'Emca')::bytea "
        "WHERE rid = $1", rid,
    )  # fmt: skip
    await connection.close()
    async with house.visit() as browser:
        page = (await browser.get(f"/console/calls/{rid}")).text
        assert "Emca" in page
        verdict = (await browser.get(verify_addresses(page)[0])).text
    assert "Not verified." in verdict
    assert "what is stored is not what was signed" in verdict


async def test_a_record_that_is_no_json_is_shown_as_what_it_is(house: House) -> None:
    rid = await house.call()
    connection = await asyncpg.connect(house.admin)
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("UPDATE audit.record SET body = '\\xff3c623e' WHERE rid = $1", rid)
    await connection.close()
    async with house.visit() as browser:
        page = await browser.get(f"/console/calls/{rid}")
        verdict = await browser.get(verify_addresses(page.text)[0])
    assert page.status_code == 200
    assert "&lt;b&gt;" in page.text
    assert "Not verified." in verdict.text


@pytest.mark.parametrize("missing", [None, Path("/nowhere/ledger.pub")])
async def test_without_the_public_key_nothing_is_claimed(
    house: House, missing: Path | None
) -> None:
    rid = await house.call()
    async with house.visit(ledger_public=missing) as browser:
        page = (await browser.get(f"/console/calls/{rid}")).text
        verdict = (await browser.get(verify_addresses(page)[0])).text
    assert "Not asked." in verdict


async def test_a_record_that_is_not_there_is_a_404(house: House) -> None:
    async with house.visit() as browser:
        for address in (
            f"/console/calls/{uuid.uuid4()}",
            f"/console/records/2026-01-01/{uuid.uuid4()}/1",
            "/console/calls/not-an-id",
            "/console/nothing",
        ):
            assert (await browser.get(address)).status_code == 404
        wrong = await browser.get(f"/console/records/yesterday/{uuid.uuid4()}/1")
        huge = await browser.get(f"/console/records/2026-01-01/{uuid.uuid4()}/{'9' * 40}")
    assert wrong.status_code == 400
    assert huge.status_code in (400, 404)
