"""What tasks are given in AWS against what each process needs, said once in stack.toml and settings."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.terraform.conftest import ISSUER, PUBLIC
from infra.terraform.tree import FOLDER, ROOT

from mcp_gateway.configuration.settings import Settings as GatewaySettings
from mcp_gateway.configuration.settings import load, servers
from mcp_local.stack_toml import PartFile, read_base, read_part
from mcp_shared.settings import ServerSettings

CONFIG = ROOT / "gateway" / "gateway.yaml"
LISTED = {one.name: one for one in servers(load(CONFIG), CONFIG)}
BASE = read_base(ROOT / "infra/local/stack.toml")
ADDED: dict[str, Any] = yaml.safe_load((FOLDER / "servers.yaml").read_text("utf-8"))
# what one machine needs, and AWS says otherwise: the bundle of the issuer's own authority, and where
# checkpoints go, which has to be somebody else's there
LOCAL_ONLY = {"SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_CERTIFICATE"}


def part(name: str) -> PartFile:
    return read_part(LISTED[name].folder / "stack.toml")


def test_every_listed_server_is_a_process_and_nothing_else_is(plan: dict[str, Any]) -> None:
    assert set(plan["processes"]) == {"gateway", *LISTED}


@pytest.mark.parametrize("name", LISTED)
def test_a_server_gets_every_setting_of_its_stack_toml(plan: dict[str, Any], name: str) -> None:
    """HCL reads stack.toml by pattern; a real reader must find the same."""
    given = plan["processes"][name]["environment"]
    needed = {*part(name).env, *BASE.servers.env, *BASE.parts.env} - LOCAL_ONLY
    assert needed <= set(given)
    assert set(given) - needed <= {"MCP_PROFILE", "PGSSLMODE", "PGSSLROOTCERT"}


def test_the_gateway_gets_every_setting_of_its_stack_toml(plan: dict[str, Any]) -> None:
    given = set(plan["processes"]["gateway"]["environment"])
    needed = {*BASE.services["gateway"].env, *BASE.parts.env} - LOCAL_ONLY
    assert needed <= given
    assert given - needed <= {
        "GATEWAY_LEDGER_DISK", "GATEWAY_PROFILE", "GATEWAY_REPLICA", "PGSSLMODE", "PGSSLROOTCERT",
    }  # fmt: skip


@pytest.mark.parametrize("name", LISTED)
def test_every_secret_of_a_server_becomes_a_reference(plan: dict[str, Any], name: str) -> None:
    process = plan["processes"][name]
    for key, value in part(name).env.items():
        if key in ADDED.get(name, {}).get("settings", {}):
            assert process["environment"][key] == ADDED[name]["settings"][key]
        elif login := re.fullmatch(r"\{postgres:(.+):(.+)\}", value):
            variable = f"SECRET_POSTGRES_{login[2].upper()}"
            assert process["environment"][key] == (
                f"postgresql://{login[2]}:{{secret:{variable}}}@{{database}}:5432/{login[1]}?sslmode=verify-full"
            )
            assert process["secrets"][variable] == f"postgres-{login[2]}"
        elif secret := re.fullmatch(r"\{secret:(.+)\}", value):
            variable = f"SECRET_{secret[1].upper().replace('-', '_')}"
            assert process["environment"][key] == f"{{secret:{variable}}}"
            assert process["secrets"][variable] == secret[1]
        else:
            assert process["environment"][key] == value


@pytest.mark.parametrize("name", LISTED)
def test_command_and_health_are_those_of_stack_toml(plan: dict[str, Any], name: str) -> None:
    process = part(name).process
    assert process is not None
    assert plan["processes"][name]["command"] == list(process.command)
    assert plan["processes"][name]["health"] == process.health


def test_what_is_given_is_what_the_programs_read(
    plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """pydantic itself takes the values, once their placeholders are filled."""
    for name, listed in LISTED.items():
        for key, value in plan["processes"][name]["environment"].items():
            monkeypatch.setenv(key, value)
        made = ServerSettings()
        assert made.profile == "production"
        assert made.issuer == ISSUER
        assert made.resource == listed.resource
        assert made.callers == {f"{PUBLIC}/mcp", f"{PUBLIC}/servers/{name}/mcp"}
        assert made.port == plan["processes"][name]["port"]
        assert made.jwks_url == "http://keycloak:8080/realms/mcp/protocol/openid-connect/certs"


def test_the_gateway_reads_what_it_is_given(
    plan: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = plan["processes"]["gateway"]
    for key, value in process["environment"].items():
        monkeypatch.setenv(
            key, value.replace("{database}", "db.internal").replace("{valkey}", "v.internal")
        )
    made = GatewaySettings()
    assert made.profile == "production"
    assert made.upstreams == {name: f"http://{name}:8000/mcp" for name in LISTED}
    assert made.port == process["port"] == 8080
    assert made.issuer_internal == "http://keycloak:8080"
    assert made.config == Path(
        "/srv/gateway/gateway.yaml"
    )  # where images/python.Dockerfile puts it


def test_the_image_has_the_configuration_where_the_task_looks_for_it() -> None:
    from in_image.build import READS

    assert "gateway/*.yaml" in READS["gateway"]
    assert "--reads /srv" in (ROOT / "infra/images/python.Dockerfile").read_text("utf-8")


def test_the_task_runs_as_the_user_of_the_image() -> None:
    dockerfile = (ROOT / "infra/images/python.Dockerfile").read_text("utf-8")
    user = re.search(r"^USER (\S+)$", dockerfile, re.MULTILINE)
    stack = (FOLDER / "modules/stack/variables.tf").read_text("utf-8")
    assert user is not None
    assert f'default     = "{user[1]}"' in stack


def test_exposure_is_what_the_gateway_reads_of_the_policies(plan: dict[str, Any]) -> None:
    from mcp_gateway.rights import policy

    rules = policy.load(list(LISTED.values()), ROOT / "gateway/agents.yaml", 30.0)
    wanted = {
        f"{server}_{tool}": (rule["kind"], sorted(rule["roles"]))
        for server, one in LISTED.items()
        for tool, rule in yaml.safe_load((one.folder / "policy.yaml").read_text("utf-8"))[
            "tools"
        ].items()
    }
    assert {name: (one["kind"], one["roles"]) for name, one in plan["exposure"].items()} == wanted
    assert {role for _, roles in wanted.values() for role in roles} <= set(rules.roles)


def test_whoever_waits_waits_longer_than_the_slowest_tool(plan: dict[str, Any]) -> None:
    slowest = max(
        float(rule["timeout"].rstrip("s"))
        for one in LISTED.values()
        for rule in yaml.safe_load((one.folder / "policy.yaml").read_text("utf-8"))[
            "tools"
        ].values()
    )
    assert plan["longest"] == slowest


def test_every_database_and_secret_follows_from_the_files(plan: dict[str, Any]) -> None:
    logins = {
        found
        for name in LISTED
        for value in part(name).env.values()
        for found in re.findall(r"\{postgres:(.+):(.+)\}", value)
    } | {("ledger", "audit_writer"), ("ledger", "audit_reader")}
    assert set(plan["databases"]) == {database for database, _ in logins}
    assert {f"postgres-{login}" for _, login in logins} <= set(plan["secrets"])
    keys = {
        "checkpoint.pem",
        "checkpoint.pub",
        "payload.key",
        "gateway-assertion.pem",
        "ledger.pem",
        "ledger.pub",
        "sealing.key",
        "session.key",
        "valkey",
    }
    assert keys <= set(plan["secrets"])


def test_no_server_is_given_the_secret_of_another(plan: dict[str, Any]) -> None:
    taken: dict[str, str] = {}
    for name, process in plan["processes"].items():
        for secret in process["secrets"].values():
            assert secret not in taken, f"{secret} is given to {taken.get(secret)} and to {name}"
            taken[secret] = name


@pytest.mark.parametrize("name", LISTED)
def test_stack_toml_is_written_so_that_a_pattern_can_read_it(name: str) -> None:
    """One line for each key, double quotes, no escapes: also where no engine is at hand to compare."""
    text = (LISTED[name].folder / "stack.toml").read_text("utf-8")
    assert "\\" not in text
    assert "'''" not in text
    assert '"""' not in text
    section = re.search(r"\n\[env\]\n(.*?)(?:\n\[|\Z)", "\n" + text, re.DOTALL)
    lines = re.findall(
        r'(?m)^([A-Z][A-Z0-9_]*)[ \t]*=[ \t]*"([^"]*)"', section[1] if section else ""
    )
    assert dict(lines) == tomllib.loads(text).get("env", {})
