import os
import subprocess
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit

import asyncpg
import pytest
from sandbox.crm.account import V, opened

from sandbox_crm.invent import Account, invented
from sandbox_crm.people import INJECTION
from sandbox_crm.seed import seed
from seed_warehouse.customers import customers

NOW = datetime(2026, 11, 23, tzinfo=UTC)


async def test_every_customer_of_the_warehouse_is_a_company_and_seeding_again_changes_nothing(
    database: str,
) -> None:
    login = database.replace("postgres:", "crm_seed_test:", 1)
    login = login.replace(urlsplit(database).password or "", "p'w", 1)
    assert (await seed(database, login, 0.01)).startswith("Loaded")
    assert "already" in await seed(database, login, 0.01)
    async with opened(login) as crm:
        company = await crm.get(
            f"/crm/objects/{V}/companies/11",
            params={
                "idProperty": "account_number",
                "properties": "name,region,country,industry,hubspot_owner_id",
                "associations": "contacts,deals,notes",
            },
        )
        body = company.json()
        assert body["properties"]["name"] == "Customer#000000011"
        assert body["properties"]["region"] == "EUROPE"
        assert body["associations"]["contacts"]["results"]
        new = await crm.post(
            f"/crm/objects/{V}/contacts", json={"properties": {"email": "n@x.example"}}
        )
        assert new.status_code == 201
        ignored = await crm.get(
            f"/crm/objects/{V}/companies/1501", params={"idProperty": "account_number"}
        )
        assert ignored.status_code == 404
    db = await asyncpg.connect(login)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute("DROP TABLE crm.object")
    await db.close()
    admin = await asyncpg.connect(database)
    await admin.execute("DROP OWNED BY crm_seed_test; DROP ROLE crm_seed_test")
    await admin.close()


def test_the_same_account_has_the_same_people_at_every_scale() -> None:
    def people(scale: float) -> set[str]:
        accounts = [Account.of(one) for one in customers(scale)]
        world = invented(accounts, featured=0, now=NOW)
        return {one.properties["email"] for one in world.objects if one.type == "contacts"}

    assert people(0.01) == people(0.02)


def test_one_note_tries_to_give_orders_and_it_belongs_to_a_known_account() -> None:
    world = invented([Account.of(one) for one in customers(0.01)], featured=1500, now=NOW)
    told = [
        one for one in world.objects if "SYSTEM NOTICE" in one.properties.get("hs_note_body", "")
    ]
    assert len(told) == 1
    assert "ignore your earlier instructions" in INJECTION
    companies = {one.id: one for one in world.objects if one.type == "companies"}
    targets = [to for kind, source, to_kind, to, _ in world.associations if source == told[0].id]
    assert {companies[n].properties["account_number"] for n in targets if n in companies} == {"11"}


def test_open_deals_are_due_and_closed_ones_are_past() -> None:
    world = invented([Account.of(one) for one in customers(0.01)], featured=1500, now=NOW)
    deals = [one.properties for one in world.objects if one.type == "deals"]
    today = NOW.isoformat()
    assert all(one["closedate"] <= today for one in deals if one["hs_is_closed"] == "true")
    ahead = sum(one["closedate"] > today for one in deals if one["hs_is_closed"] == "false")
    assert ahead > len(deals) / 3


def test_the_command_line_says_which_setting_is_missing() -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("CRM_")}
    done = subprocess.run(
        [sys.executable, "-m", "sandbox_crm.seed"],
        check=False,
        capture_output=True,
        text=True,
        env=clean,
    )
    assert done.returncode == 1
    assert "CRM_SANDBOX_ADMIN_URL is not set" in done.stderr
