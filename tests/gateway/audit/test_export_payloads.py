"""Encrypted arguments that an export carries: opened with the ledger's key, closed by erasing."""

import json
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from gateway.audit.conftest import Place
from gateway.audit.exports import exported
from gateway.audit.past import a_day, ago
from gateway.audit.sealed import calling, checked
from gateway.audit.test_offline import Lines, at, changed, found
from gateway.audit.test_offline import checked as checked_export
from gateway.audit.test_retention import days, where

from mcp_gateway.audit.duties import erase, retention
from mcp_gateway.audit.duties.opening import ErasedError, NotOpenedError, open_exported
from mcp_gateway.audit.duties.two_names import propose
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.offline.trust import load
from mcp_gateway.audit.offline.verify import verify as verify_export
from mcp_gateway.audit.payload import Vault, create_kek, load_keks


async def opened(place: Place, ledger: Ledger, export: Path, rid: str) -> Any:
    shown = await open_exported(
        place.reader, ledger, load(place.public), load_keks(place.key.parent), export,
        rid=rid, by="audra",
    )  # fmt: skip
    return orjson.loads(shown.arguments)


async def test_an_export_carries_what_its_records_name_and_nothing_that_opens_it(
    place: Place, tmp_path: Path
) -> None:
    async with calling(place) as (ledger, calls):
        await calls.many("ana", 5)
        await calls.of("ben", "b-1", {"text": "larkfield"})
        await exported(place, tmp_path / "a.jsonl", payloads=True)
        await exported(place, tmp_path / "plain.jsonl")
        report = checked_export(tmp_path / "a.jsonl", place)
        assert (report.sound, report.payloads) == (True, 6), report.text()
        assert "encrypted arguments of 6 calls" in report.text()
        assert await opened(place, ledger, tmp_path / "a.jsonl", "b-1") == {"text": "larkfield"}
        with pytest.raises(NotOpenedError, match="not the one its record was signed with"):
            await opened(place, ledger, tmp_path / "plain.jsonl", "b-1")
        with pytest.raises(NotOpenedError, match="no call b-2"):
            await opened(place, ledger, tmp_path / "a.jsonl", "b-2")
    data = (tmp_path / "a.jsonl").read_bytes()
    for row in await place.rows("SELECT wrapped, subject FROM audit.subject_key"):
        for secret in (row["wrapped"], row["subject"]):
            assert secret.hex().encode() not in data
            assert b64encode(secret) not in data
    assert b"larkfield" not in data
    assert json.loads((tmp_path / "plain.jsonl").read_bytes().splitlines()[0])["ledger_export"] == 1


def another_ciphertext(lines: Lines) -> None:
    i = at(lines, '{"payload":"ana-1"')
    said = json.loads(lines[i])
    said["ct"] = b64encode(bytes(40)).decode()
    lines[i] = json.dumps(said, separators=(",", ":")).encode() + b"\n"


def exchanged(lines: Lines) -> None:
    """Two of one person, under one key: each opens, and neither is its call's."""
    one, two = at(lines, '{"payload":"ana-1"'), at(lines, '{"payload":"ana-2"')
    lines[one], lines[two] = (
        lines[two].replace(b'"ana-2"', b'"ana-1"'), lines[one].replace(b'"ana-1"', b'"ana-2"'),
    )  # fmt: skip


BENT: dict[str, tuple[Callable[[Lines], Any], str]] = {
    "left out": (lambda ls: ls.pop(at(ls, '{"payload":"ana-1"')), "PAYLOAD"),
    "another": (another_ciphertext, "PAYLOAD"),
    "two exchanged": (exchanged, "PAYLOAD"),
    "twice": (
        lambda ls: ls.insert(at(ls, '{"payload":"ana-1"'), ls[at(ls, '{"payload":"ana-1"')]),
        "PAYLOAD",
    ),
    "of no call": (
        lambda ls: ls.insert(-1, b'{"payload":"x","key":"k","nonce":"","ct":""}\n'), "PAYLOAD",
    ),
    "no base64": (lambda ls: ls.insert(-1, b'{"payload":"x","key":"k","ct":"*"}\n'), "MALFORMED"),
    "called an export without": (
        lambda ls: ls.__setitem__(0, ls[0].replace(b'"ledger_export":2', b'"ledger_export":1')),
        "MALFORMED",
    ),
}  # fmt: skip


@pytest.mark.parametrize("bent", BENT)
async def test_arguments_that_are_not_those_signed_are_found_in_an_export(
    place: Place, tmp_path: Path, bent: str
) -> None:
    async with calling(place) as (_, calls):
        await calls.many("ana", 4)
    path = tmp_path / "a.jsonl"
    await exported(place, path, payloads=True)
    change, kind = BENT[bent]
    changed(path, change)
    assert kind in found(checked_export(path, place))


EXCHANGE = "CASE rid WHEN 'ana-1' THEN 'ana-2' WHEN 'ana-2' THEN 'ana-1' ELSE rid END"


@pytest.mark.parametrize(
    "attack",
    [
        "DELETE FROM audit.payload WHERE rid = 'ana-1'",
        "UPDATE audit.payload SET ct = ct || '\\x00' WHERE rid = 'ana-1'",
        "UPDATE audit.payload SET key_id = gen_random_uuid() WHERE rid = 'ana-1'",
        f"UPDATE audit.payload SET rid = {EXCHANGE}",
        "INSERT INTO audit.payload SELECT * FROM audit.payload WHERE rid = 'ana-1'",
        "INSERT INTO audit.payload SELECT seg_day, 'x', key_id, nonce, ct FROM audit.payload",
    ],
)
async def test_arguments_that_are_not_those_signed_are_found_in_the_ledger(
    place: Place, attack: str
) -> None:
    async with calling(place) as (_, calls):
        await calls.many("ana", 4)
    report = await checked(place)
    assert (report.sound, report.payloads) == (True, 4)
    await place.sql(attack)
    assert {finding.kind for finding in (await checked(place)).findings} == {"PAYLOAD"}


async def test_erasing_a_person_leaves_every_payload_in_its_place(place: Place) -> None:
    async with calling(place) as (_, calls):
        await calls.many("ana", 4)
    await place.sql("DELETE FROM audit.subject_key")
    assert (await checked(place)).sound


async def test_a_retired_days_arguments_open_from_its_export_until_the_person_is_erased(
    place: Place, tmp_path: Path
) -> None:
    create_kek(place.key.parent)
    segment = await a_day(place, ago(40), vault=Vault.at(place.key.parent))
    rid = f"{segment.hex[:6]}-1"
    async with calling(place) as (ledger, _):
        here, scope = where(place, ledger, tmp_path), retention.scope(ago(39), keep=True)
        number = await propose(ledger, "retire", scope, "paula")
        [gone] = await retention.retire(here, ago(39), keep=True, proposal=number, by="otto")
        assert gone.file is not None
        assert (await days(place), (await checked(place)).sound) == ({ago(0)}, True)
        assert verify_export(str(gone.file), load(place.public), jobs=1)[0].payloads == 3
        assert await opened(place, ledger, gone.file, rid) == {"of": rid}
        person = [load_keks(place.key.parent).popitem()[1].pseudonym("https://id.example", "s-ana")]
        assert await erase.destroy(place.admin, [(one, await now(place)) for one in person]) == 1
        with pytest.raises(ErasedError):
            await opened(place, ledger, gone.file, rid)


async def now(place: Place) -> Any:
    [row] = await place.rows("SELECT clock_timestamp()")
    return row[0]


async def test_keys_that_stayed_go_when_the_day_is_retired_again(
    place: Place, tmp_path: Path
) -> None:
    create_kek(place.key.parent)
    await a_day(place, ago(40), vault=Vault.at(place.key.parent))
    async with calling(place) as (ledger, _):
        here = where(place, ledger, tmp_path)
        for keep in (True, False):
            number = await propose(ledger, "retire", retention.scope(ago(39), keep=keep), "paula")
            [gone] = await retention.retire(here, ago(39), keep=keep, proposal=number, by="otto")
        assert (gone.file, gone.keys) == (None, 1)
        assert not await place.rows("SELECT FROM audit.subject_key")
        assert await retention.days_before(place.reader, ago(39)) == []
    assert (await checked(place)).sound
