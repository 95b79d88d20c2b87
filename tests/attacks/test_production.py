"""P03: nothing that belongs to one machine, or that everyone can guess, starts as production."""

from pathlib import Path

import pytest
import pytest_asyncio
from house.backends import Counted
from house.conftest import Opened
from house.folders import AGENTS
from house.house import write_folder
from people import Issuer

from mcp_gateway.app import build
from mcp_gateway.configuration import production
from mcp_gateway.configuration.settings import ConfigError, Settings, load

LONG = "q3Zv8-Lk2mPw7xNf"
GOOD = {
    "profile": "production",
    "public_url": "https://mcp.larkfield.example",
    "issuer": "https://id.larkfield.example/realms/mcp",
    "ledger_url": f"postgresql://audit_writer:{LONG}@db.larkfield.example/ledger?sslmode=verify-full",
    "ledger_reader_url": f"postgresql://audit_reader:{LONG}@db.larkfield.example/ledger?sslmode=verify-full",
    "redis_url": f"rediss://:{LONG}@cache.larkfield.example:6379/0",
}
CLIENTS = "agents:\n  claude-code: { may: [read], tools: ['*'] }\n"


@pytest_asyncio.fixture
async def folder(tmp_path: Path, issuer: Issuer) -> Path:
    made = await write_folder(tmp_path / "house", issuer)
    (made.config.parent / "agents.yaml").write_text(CLIENTS)
    for name in production.KEY_FILES:
        (made.keys / name).chmod(0o600)
    return made.config.parent


def settings(folder: Path, **changed: str | None) -> Settings:
    made = Settings(config=folder / "gateway.yaml", keys=folder.parent / "keys")
    return made.model_copy(update={**GOOD, **changed})


def refused(made: Settings) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        build(made)
    return str(caught.value).splitlines()


def test_p03_what_is_right_starts(folder: Path) -> None:
    made = settings(folder)
    gateway = build(made)
    doubt, unwitnessed, unwatched = production.warnings(made, gateway.config)
    assert unwitnessed.startswith("GATEWAY_CHECKPOINTS: is not set")
    assert unwatched.startswith("GATEWAY_LEDGER_DISK: is not set")
    assert "limits.trusted_proxies: is 0" in doubt


def a_login(login: str) -> str:
    return f"postgresql://{login}@db.larkfield.example/ledger?sslmode=require"


WRONG: dict[str, tuple[dict[str, str | None], str, str]] = {
    "a public URL in clear": ({"public_url": "http://mcp.larkfield.example"}, "GATEWAY_PUBLIC_URL", "is not https"),
    "a public URL on loopback": ({"public_url": "https://localhost:8080"}, "GATEWAY_PUBLIC_URL", "is on loopback"),
    "the development public URL": ({"public_url": None}, "gateway.yaml: public_url", "is on loopback"),
    "an issuer in clear": ({"issuer": "http://id.larkfield.example/realms/mcp"}, "GATEWAY_ISSUER", "is not https"),
    "the development issuer": ({"issuer": None}, "gateway.yaml: issuer", "is on loopback"),
    "an issuer on 127.0.0.2": ({"issuer": "https://127.0.0.2/realms/mcp"}, "GATEWAY_ISSUER", "is on loopback"),
    "an issuer on ::1": ({"issuer": "https://[::1]/realms/mcp"}, "GATEWAY_ISSUER", "is on loopback"),
    "no ledger": ({"ledger_url": ""}, "GATEWAY_LEDGER_URL", "is not set"),
    "no reader": ({"ledger_reader_url": ""}, "GATEWAY_LEDGER_READER_URL", "is not set"),
    "a ledger that may be left out": ({"ledger_mode": "best-effort"}, "GATEWAY_LEDGER_MODE", "set required"),
    "no password": ({"ledger_url": a_login("audit_writer")}, "GATEWAY_LEDGER_URL", "has no password"),
    "an empty password": ({"ledger_url": a_login("audit_writer:")}, "GATEWAY_LEDGER_URL", "has no password"),
    "its name as password": ({"ledger_url": a_login("audit_writer:audit_writer")}, "GATEWAY_LEDGER_URL", "that everyone knows"),
    "a known password": ({"ledger_reader_url": a_login("audit_reader:ChangeMePlease")}, "GATEWAY_LEDGER_READER_URL", "that everyone knows"),
    "a short password": ({"ledger_url": a_login("audit_writer:q3Zv8-L")}, "GATEWAY_LEDGER_URL", "fewer than 12"),
    "encoded, and short": ({"ledger_url": a_login("audit_writer:%41%41%41%41%41")}, "GATEWAY_LEDGER_URL", "fewer than 12"),
    "the administrator": ({"ledger_url": a_login(f"postgres:{LONG}")}, "GATEWAY_LEDGER_URL", "could change records; use audit_writer"),
    "no Valkey": ({"redis_url": ""}, "GATEWAY_REDIS_URL", "is not set"),
    "Valkey without a password": ({"redis_url": "rediss://cache.larkfield.example:6379/0"}, "GATEWAY_REDIS_URL", "has no password"),
    "Valkey's known password": ({"redis_url": "rediss://:foobared@cache.larkfield.example:6379/0"}, "GATEWAY_REDIS_URL", "that everyone knows"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_p03_each_development_setting_is_refused_in_one_line_that_names_it(
    folder: Path, case: str
) -> None:
    changed, name, says = WRONG[case]
    (line,) = refused(settings(folder, **changed))
    assert line.startswith("production: ")
    assert name in line
    assert says in line
    for value in changed.values():  # a password is never repeated
        assert not value or "@" not in value or value.partition("@")[0] not in line


def test_p03_postgres_postgres_is_refused_for_both_reasons(folder: Path) -> None:
    lines = refused(settings(folder, ledger_url="postgresql://postgres:postgres@db/ledger"))
    assert [line.partition(": ")[2].partition(";")[0] for line in lines] == [
        "GATEWAY_LEDGER_URL: signs in as postgres, who could change records",
        "GATEWAY_LEDGER_URL: has a password that everyone knows",
    ]


def test_p03_a_login_may_be_kept_out_of_the_environment(folder: Path) -> None:
    """A password file or a client certificate, as libpq names them; then no URL holds a secret."""
    for more in ("passfile=/run/keys/pgpass", "sslcert=/run/keys/writer.crt"):
        url = f"postgresql://audit_writer@db.larkfield.example/ledger?sslmode=require&{more}"
        build(settings(folder, ledger_url=url))


@pytest.mark.parametrize("name", ["", *production.KEY_FILES])
def test_p03_keys_that_others_can_read_are_refused(folder: Path, name: str) -> None:
    path = folder.parent / "keys" / name
    path.chmod(0o750 if path.is_dir() else 0o640)
    (line,) = refused(settings(folder))
    assert f"{path}: is open to others than its owner; chmod {'600' if name else '700'}" in line


def test_p03_development_clients_are_refused(folder: Path) -> None:
    agents = folder / "agents.yaml"
    agents.write_text(AGENTS)
    (line,) = refused(settings(folder))
    assert f"{agents}: agents.mcp-dev-cli: " in line
    agents.write_text(
        f"{CLIENTS}services:\n  mcp-dev-cli: {{ roles: [analyst], may: [read], tools: ['*'] }}\n"
    )
    (line,) = refused(settings(folder))
    assert f"{agents}: services.mcp-dev-cli: " in line


async def test_p03_a_development_client_cannot_be_added_while_production_runs(
    opened: Opened, server: Counted
) -> None:
    async with opened(server) as home:
        policy = home.gateway.policy
        home.gateway.settings.profile = "production"
        agents = home.gateway.settings.config.parent / "agents.yaml"
        agents.write_text(AGENTS + "  claude-code: { may: [read], tools: ['*'] }\n")
        (event,) = await home.settled(1, kind="event", reason="policy_broken")
        assert "agents.mcp-dev-cli" in event["detail"]["error"]
        assert home.gateway.policy is policy


def test_p03_what_travels_in_clear_to_another_machine_is_doubted(folder: Path) -> None:
    made = settings(
        folder,
        ledger_url=f"postgresql://audit_writer:{LONG}@db.larkfield.example/ledger",
        redis_url=f"redis://:{LONG}@cache.larkfield.example:6379/0",
        issuer_internal="http://keycloak.internal:8080",
    )
    doubts = list(production.warnings(made, load(made.config, made)))
    assert [doubt.partition(":")[0] for doubt in doubts[3:]] == [
        "GATEWAY_LEDGER_URL", "GATEWAY_REDIS_URL", "GATEWAY_ISSUER_INTERNAL",
    ]  # fmt: skip
    assert LONG not in "".join(doubts)
