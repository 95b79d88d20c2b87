"""What AWS is told about its databases, tried on a real PostgreSQL and a real Valkey."""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio
import redis.asyncio
from infra.terraform.tree import FOLDER, resources
from redis.exceptions import NoPermissionError

from mcp_gateway.limits.buckets import ANY, Script
from mcp_gateway.limits.valkey import Valkey as Trips
from mcp_gateway.switches.change import ring
from mcp_gateway.switches.live import BELL
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey

DATABASES = FOLDER / "src/in_task/databases.py"


@pytest_asyncio.fixture
async def administrator(postgres_server: Postgres) -> AsyncIterator[tuple[str, str]]:
    """As in RDS: may create databases and roles, and is no superuser. A prefix for its names."""
    name = f"a{secrets.token_hex(4)}"
    root = await asyncpg.connect(postgres_server.url())
    await root.execute(f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD 'it'")
    yield name, re.sub(r"//[^@]*@", f"//{name}:it@", postgres_server.url())
    for row in await root.fetch(
        "SELECT datname FROM pg_database WHERE datname LIKE $1", f"{name}%"
    ):
        await root.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')
    await root.execute(f"DROP OWNED BY {name} CASCADE")
    for row in await root.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE $1", f"{name}%"):
        await root.execute(f'DROP ROLE "{row["rolname"]}"')
    await root.close()


def prepare(url: str, name: str, password: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DATABASES.read_text("utf-8")], check=False, capture_output=True,
        text=True, timeout=60,
        env={
            "ADMIN_URL": url, "DATABASES": json.dumps([f"{name}_ledger", f"{name}_keycloak"]),
            "OWNERS": json.dumps({f"{name}_keycloak": f"{name}_kc"}),
            f"PASSWORD_{name.upper()}_KC": password,
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


async def test_databases_and_their_owners_are_made_by_no_superuser(
    administrator: tuple[str, str], postgres_server: Postgres
) -> None:
    name, url = administrator
    prepare(url, name, "it's a 'password'")
    root = await asyncpg.connect(postgres_server.url())
    try:
        made = await root.fetch(
            "SELECT datname, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname LIKE $1",
            f"{name}_%",
        )
    finally:
        await root.close()
    assert {row["datname"]: row["owner"] for row in made} == {
        f"{name}_ledger": name, f"{name}_keycloak": f"{name}_kc",
    }  # fmt: skip


async def test_it_may_be_repeated_and_sets_a_changed_password(
    administrator: tuple[str, str], postgres_server: Postgres
) -> None:
    name, url = administrator
    for password in ("first", "second"):
        prepare(url, name, password)
    theirs = re.sub(r"//[^@]*@", f"//{name}_kc:second@", postgres_server.url(f"{name}_keycloak"))
    connection = await asyncpg.connect(theirs)
    await connection.execute("CREATE TABLE realm (id int)")
    await connection.close()


def access() -> str:
    (user,) = resources("aws_elasticache_user")
    return user.arguments["access_string"].strip('"')


async def test_the_gateways_user_at_valkey_can_do_what_the_gateway_does(
    valkey_server: Valkey,
) -> None:
    """The access string as it stands in Terraform, given to Valkey itself."""
    root: Any = redis.asyncio.Redis.from_url(valkey_server.url)
    await root.execute_command("ACL", "SETUSER", "tf-gateway", "reset", ">it", *access().split())
    address = re.sub(r"//[^@]*@", "//tf-gateway:it@", valkey_server.url)
    theirs: Any = redis.asyncio.Redis.from_url(address)
    try:
        trips = Trips(theirs, 1.0)
        await Script(trips, BELL).take([ANY])
        await trips.aclose()
        assert await ring(address)
        for words in (
            ("FLUSHALL",), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("GET", "another:key"),
            ("ACL", "LIST"), ("SUBSCRIBE", "x"), ("DEL", "{mcp}:bell"), ("SCRIPT", "FLUSH"),
        ):  # fmt: skip
            try:
                await theirs.execute_command(*words)
            except NoPermissionError:
                continue
            raise AssertionError(f"{words} is allowed")
    finally:
        await theirs.aclose()
        await root.execute_command("ACL", "DELUSER", "tf-gateway")
        await root.aclose()


def test_the_database_speaks_tls_alone_and_forgets_nothing() -> None:
    (group,) = resources("aws_db_parameter_group")
    said = {
        one.arguments["name"].strip('"'): one.arguments["value"].strip('"')
        for one in group.inner("parameter")
    }
    assert said["rds.force_ssl"] == "1"
    assert said["synchronous_commit"] == "on"
    assert said["log_min_duration_statement"] == "-1"  # statements hold what people asked
    assert said["log_statement"] == "ddl"
    assert not {"fsync", "full_page_writes"} & set(said)


def test_the_database_is_reached_from_inside_and_kept() -> None:
    (database,) = resources("aws_db_instance")
    said = database.arguments
    assert said["publicly_accessible"] == "false"
    assert said["storage_encrypted"] == said["iam_database_authentication_enabled"] == "true"
    assert said["manage_master_user_password"] == "true"
    assert said["deletion_protection"] == said["multi_az"] == "var.production"
    assert said["backup_retention_period"] == "var.production ? 35 : 7"
    assert "password" not in said
