"""P02: what goes wrong names the setting and not its value, on stderr as in a traceback."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from types import ModuleType

import httpx2
import pytest
from architecture.tree import ROOT, listed, package_of, python
from attacks.oracle import unharmed
from house.asks import GOOD, body_of, tool_error
from house.backends import Counted, answers, listening
from house.conftest import Opened
from house.house import House
from pydantic import TypeAdapter, ValidationError
from pydantic_settings import BaseSettings

from mcp_shared.settings import SecretUrl

CANARY = "canary-4d1f-Pa55"
SPOILT = {
    "a hash": f"postgresql://writer:{CANARY}#more@db.example:5432/ledger",
    "a slash": f"postgresql://writer:{CANARY}/more@db.example:5432/ledger",
    "a question mark": f"postgresql://writer:{CANARY}?more@db.example:5432/ledger",
    "an at": f"postgresql://writer:more@{CANARY}@db.example:5432/ledger",
    "no scheme": f"writer:{CANARY}@db.example/ledger",
    "an old form": f"host=db.example user=writer password={CANARY}",
}
WHOLE = [
    "postgresql://writer:a%23b%2Fc@db.example:5432/ledger?sslmode=require",
    "postgresql://writer@db1.example:5432,db2.example:5432/ledger?passfile=/run/pgpass",
    "postgresql://writer:x@[::1]:5432/ledger",
    "postgresql:///ledger?host=/var/run/postgresql",
    "redis://:secret@127.0.0.1:6379/0", "rediss://user:secret@cache.example/0", "",
]  # fmt: skip


@pytest.mark.parametrize("how", SPOILT)
def test_p02_a_password_that_breaks_its_url_is_refused_before_a_library_quotes_it(how: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(SecretUrl, config={"hide_input_in_errors": True}).validate_python(SPOILT[how])
    assert CANARY not in str(caught.value)


def test_p02_urls_that_are_whole_are_taken() -> None:
    for url in WHOLE:
        assert TypeAdapter(SecretUrl).validate_python(url) == url


def modules() -> Iterator[ModuleType]:
    """Every settings module of product code."""
    names = ["mcp_shared", "mcp_gateway", "sandbox_crm", "sandbox_idp"]
    for name in (*names, *(package_of(folder) for folder in listed().values())):
        package = importlib.import_module(name)
        if any(one.name == "settings" for one in pkgutil.iter_modules(package.__path__)):
            yield importlib.import_module(f"{name}.settings")


def settings() -> dict[str, type[BaseSettings]]:
    return {
        f"{module.__name__}.{name}": one
        for module in modules()
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, BaseSettings) and one.__module__ == module.__name__
    }  # fmt: skip


@pytest.mark.parametrize("name", settings())
def test_p02_wrong_settings_are_told_without_any_value(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Neither the wrong one's, nor those that pydantic had read when another was missing."""
    made, prefix = settings()[name], settings()[name].model_config.get("env_prefix", "")
    for left_out in (None, *made.model_fields):
        for field in made.model_fields:
            variable = f"{prefix}{field}".upper()
            monkeypatch.delenv(variable, raising=False)
            if field != left_out:
                monkeypatch.setenv(variable, f"{CANARY}#")
        try:
            made()
        except (ValueError, ValidationError):
            assert CANARY not in traceback.format_exc()


def test_p02_every_settings_class_hides_its_input() -> None:
    """The line that does it; also where the one above finds nothing to go wrong."""
    found = 0
    for path in python("shared/src", "gateway/src", "servers", "infra", "playbook"):
        for line in path.read_text("utf-8").splitlines():
            if "= SettingsConfigDict(" in line:
                found += 1
                assert "hide_input_in_errors=True" in line, path.relative_to(ROOT)
    assert found >= 7


def test_p02_a_process_that_cannot_start_writes_no_secret() -> None:
    """The CRM server: a token too short to be one, and a database whose password breaks its URL."""
    local = {
        "MCP_RESOURCE": "http://crm.internal/mcp", "MCP_ISSUER": "http://localhost:1/realms/mcp",
        "MCP_JWKS_URL": "http://localhost:1/certs", "MCP_CALLERS": "http://localhost:1/mcp",
        "CRM_BASE_URL": "http://127.0.0.1:1", "CRM_TOKEN": "c4n4ry",
        "CRM_DATABASE_URL": SPOILT["a hash"],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "mcp_crm"], env={**os.environ, **local}, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode != 0
    assert "at least 8" in done.stderr
    assert "percent-encoded" in done.stderr
    assert "c4n4ry" not in done.stderr
    assert CANARY not in done.stderr


async def test_p02_a_server_that_tells_everything_is_not_quoted(home: House) -> None:
    """Its error text, with a stack, an address and a password in it, ends at the gateway."""
    leak = {
        "jsonrpc": "2.0", "id": 1,
        "error": {
            "code": -32603,
            "message": f'Traceback (most recent call last)\n File "/srv/app.py", line 1 {CANARY}',
            "data": {"dsn": f"postgresql://writer:{CANARY}@numbers.internal:5432/x"},
        },
    }  # fmt: skip
    async with unharmed(home, upstream=1) as told:
        home.server.behave = answers(json.dumps(leak).encode(), status=500)
        text, said = tool_error(told.answer(await home.call(GOOD["name"], GOOD["arguments"])))
        assert said["code"] == "server_failed"
        assert text
        home.server.behave = None
    assert not any(CANARY.encode() in one for one in told.heard)


async def test_p02_a_bug_in_the_gateway_is_told_to_nobody(
    opened: Opened, server: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller hears that something failed, and the record says that nobody knows how it ended."""

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"a bug of ours {CANARY}")

    async with opened(server) as home, listening(home.gateway) as port:
        assert home.gateway.edge is not None
        monkeypatch.setattr(home.gateway.edge.pipeline.steps, "forward", broken)
        headers = home.headers("tools/call", name=GOOD["name"]) | {"host": "localhost:8080"}
        async with httpx2.AsyncClient(trust_env=False) as http:
            url = f"http://127.0.0.1:{port}/mcp"
            response = await http.post(url, headers=headers, content=body_of())
        assert (response.status_code, response.text) == (500, "Internal Server Error")
        (outcome,) = await home.records(kind="outcome")
        assert (outcome["status"], outcome["reason"]) == ("unknown", "internal_error")
