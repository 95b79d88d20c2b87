"""P03 as an operator meets it: the commands, their exit codes, and what they print."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from attacks.test_production import GOOD, folder, settings
from house.house import write_folder
from people import Issuer
from pydantic import ValidationError

from mcp_gateway.configuration.settings import Settings
from mcp_local.postgres import Postgres
from mcp_shared.settings import ServerSettings, told

__all__ = ["folder"]  # a fixture


def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", *words], env=kept | environment, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def variables(made: Settings) -> dict[str, str]:
    kept = made.model_dump(mode="json", exclude_none=True, exclude={"upstreams"})
    return {f"GATEWAY_{key.upper()}": str(value) for key, value in kept.items()}


async def test_p03_the_start_ends_with_2_and_a_line_for_each_problem(folder: Path) -> None:
    """`--check` reads the same; the right settings pass it, and so do those of a developer."""
    development = {
        "GATEWAY_CONFIG": str(folder / "gateway.yaml"),
        "GATEWAY_KEYS": str(folder.parent / "keys"),
        "GATEWAY_REDIS_URL": "redis://127.0.0.1:6379/0",
        "GATEWAY_LEDGER_URL": "postgresql://postgres:postgres@127.0.0.1:5432/ledger",
    }
    started, allowed, right = await asyncio.gather(
        asyncio.to_thread(run, "mcp_gateway", **development, GATEWAY_PROFILE="production"),
        asyncio.to_thread(run, "mcp_gateway", "--check", **development),
        asyncio.to_thread(run, "mcp_gateway", "--check", **variables(settings(folder))),
    )
    assert (started.returncode, started.stdout) == (2, ""), started.stderr
    lines = started.stderr.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("production: ") for line in lines), started.stderr
    assert (allowed.returncode, allowed.stderr) == (0, "")
    assert allowed.stdout.startswith("ok: development, http://localhost:8080, policy ")
    assert right.returncode == 0, right.stderr
    assert right.stdout.startswith("ok: production, https://mcp.larkfield.example, policy ")
    assert right.stderr.startswith("warning: ")


async def test_p03_a_ledger_on_a_database_that_may_forget_is_refused_in_every_profile(
    tmp_path: Path, issuer: Issuer, postgres_server: Postgres
) -> None:
    """The database of the tests runs without fsync."""
    made = await write_folder(tmp_path / "house", issuer)
    done = await asyncio.to_thread(
        run, "mcp_gateway",
        GATEWAY_CONFIG=str(made.config), GATEWAY_KEYS=str(made.keys), GATEWAY_PORT="0",
        GATEWAY_LEDGER_URL=postgres_server.url(), GATEWAY_REDIS_URL="redis://127.0.0.1:1/0",
    )  # fmt: skip
    assert done.returncode not in {0, None}
    assert "fsync is off, must be on" in done.stderr
    assert postgres_server.password not in done.stderr


SERVER = {
    "resource": "http://docs.internal/mcp",
    "issuer": GOOD["issuer"],
    "jwks_url": "https://id.larkfield.example/certs",
    "callers": "https://mcp.larkfield.example/mcp",
}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"issuer": "http://localhost:8081/realms/mcp"}, "MCP_ISSUER"),
        ({"issuer": "http://id.larkfield.example/realms/mcp"}, "MCP_ISSUER"),
        ({"callers": "https://mcp.larkfield.example/mcp,http://localhost:8080/mcp"}, "MCP_CALLERS"),
    ],
)
def test_p03_a_production_server_believes_no_issuer_or_gateway_of_one_machine(
    changed: Mapping[str, str], name: str
) -> None:
    assert ServerSettings.model_validate({**SERVER, "profile": "production"})
    assert ServerSettings.model_validate({**SERVER, **changed})
    with pytest.raises(ValidationError) as caught:
        ServerSettings.model_validate({**SERVER, **changed, "profile": "production"})
    (line,) = told(caught.value, "MCP_")
    assert line.startswith(f"{name}: ")


async def test_p03_servers_and_the_development_issuer_refuse_to_start(tmp_path: Path) -> None:
    """On stdio whoever starts a server names their own groups, so production has none."""
    local = {
        "MCP_PROFILE": "production", "MCP_RESOURCE": "http://docs.internal/mcp",
        "MCP_ISSUER": "http://localhost:8081/realms/mcp", "MCP_JWKS_URL": "http://localhost/certs",
        "MCP_CALLERS": "http://localhost:8080/mcp", "MCP_LOCAL_GROUPS": "everyone",
        "DOCS_DATABASE_URL": "postgresql://docs_ro@127.0.0.1:1/docs",
    }  # fmt: skip
    http, stdio, development = await asyncio.gather(
        asyncio.to_thread(run, "mcp_docs", **local),
        asyncio.to_thread(run, "mcp_docs", "--stdio", **local),
        asyncio.to_thread(
            run, "sandbox_idp", IDP_PROFILE="production", IDP_REALM_FILE=str(tmp_path / "realm")
        ),
    )
    assert http.returncode == stdio.returncode == development.returncode == 2
    assert [line.partition(":")[0] for line in http.stderr.splitlines()] == [
        "MCP_ISSUER", "MCP_CALLERS",
    ]  # fmt: skip
    assert stdio.stderr.startswith("MCP_PROFILE: production has no --stdio")
    assert "does not start in production" in development.stderr
    assert http.stdout == stdio.stdout == development.stdout == ""
