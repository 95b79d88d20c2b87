"""Roles and schema of the ledger's database, brought up to date by its administrator.

Idempotent. The administrator's login is used here and nowhere else; the gateway runs with
`audit_writer`, the auditor with `audit_reader`, and neither can change a row.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

MIGRATIONS = Path(__file__).parent / "migrations"
SCRAM_ROUNDS = 4096  # PostgreSQL's own default

_CREATE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
    END IF;
END $$
"""


async def migrate(admin_url: str, writer_password: str, reader_password: str) -> None:
    """Create the roles, set their passwords, apply every revision."""
    # the driver reads the URL itself: SQLAlchemy would refuse sslmode in it
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(admin_url)
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_roles, writer_password, reader_password)
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _roles(connection: Connection, writer_password: str, reader_password: str) -> None:
    # two migrations at once would both find the role missing
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('audit.migrate'))"))
    for role, login in (
        ("audit_owner", "NOLOGIN"),
        # erases and retires, through functions; an administrator takes it on for that
        ("audit_maint", "NOLOGIN"),
        ("audit_writer", "LOGIN"),
        ("audit_reader", "LOGIN"),
    ):
        connection.exec_driver_sql(_CREATE_ROLE.format(role=role, login=login))
    for role, password in (("audit_writer", writer_password), ("audit_reader", reader_password)):
        # the verifier, not the password: statements end up in server logs
        connection.exec_driver_sql(f"ALTER ROLE {role} PASSWORD '{scram_verifier(password)}'")
    connection.exec_driver_sql("ALTER ROLE audit_writer SET synchronous_commit = on")
    connection.exec_driver_sql("ALTER ROLE audit_reader SET default_transaction_read_only = on")
    if not connection.exec_driver_sql(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    ).scalar():
        connection.exec_driver_sql("GRANT audit_owner, audit_maint TO CURRENT_USER")
    database = connection.exec_driver_sql("SELECT quote_ident(current_database())").scalar()
    connection.exec_driver_sql(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    connection.exec_driver_sql(
        f"GRANT CONNECT ON DATABASE {database} TO audit_writer, audit_reader"
    )
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS audit")
    connection.exec_driver_sql("ALTER SCHEMA audit OWNER TO audit_owner")


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores for a SCRAM-SHA-256 password (RFC 5803)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ROUNDS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    text_of = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${SCRAM_ROUNDS}:{text_of[0]}${text_of[1]}:{text_of[2]}"
