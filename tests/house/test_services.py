"""Clients that call for themselves: their own line in agents.yaml, and nobody's rights but those."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from house.asks import GOOD, error_of, result_of, tool_error
from house.backends import Counted
from house.conftest import Opened
from house.folders import AGENTS
from house.house import House
from house.operator import Operator
from joserfc.jwk import RSAKey
from people import Issuer, running_issuer

from mcp_gateway.realm.keycloak import _key_attributes, public_jwk

ADD = GOOD["name"]
NOTE = {"number": 1, "idempotency_key": "key-00001"}
SERVICES = (
    AGENTS
    + """
services:
  nightly: { roles: [analyst], may: [read], tools: ["numbers_*"], rate: 1000/minute }
"""
)


def a_service(name: str, pem: bytes) -> dict[str, Any]:
    return {
        "clientId": name, "enabled": True, "protocol": "openid-connect", "publicClient": False,
        "clientAuthenticatorType": "client-jwt", "standardFlowEnabled": False,
        "directAccessGrantsEnabled": False, "serviceAccountsEnabled": True, "redirectUris": [],
        "webOrigins": [], "protocolMappers": [], "consentRequired": False,
        "fullScopeAllowed": False, "attributes": _key_attributes(public_jwk(pem)),
        "defaultClientScopes": ["basic", "profile", "mcp-roles"],
        "optionalClientScopes": ["aud:mcp", "aud:numbers"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("service") / "key.pem"
    path.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    return path


@pytest.fixture(scope="module")
def issuer(run_folder: Path, key_file: Path) -> Iterator[Issuer]:
    services = [a_service(name, key_file.read_bytes()) for name in ("nightly", "unlisted")]
    with running_issuer(
        run_folder / "issuer-services", servers=("numbers",), changes={"clients": services}
    ) as running:
        yield running


@pytest.fixture
def service(issuer: Issuer, key_file: Path) -> Any:
    holder = replace(issuer, key_file=key_file)

    def token(name: str = "nightly") -> dict[str, str | None]:
        answer = issuer.ask(
            grant_type="client_credentials", scope="aud:mcp", **holder.assertion(name)
        )
        answer.raise_for_status()
        return {"authorization": f"Bearer {answer.json()['access_token']}"}

    return token


async def with_services(home: House) -> None:
    (home.gateway.settings.config.parent / "agents.yaml").write_text(SERVICES)
    assert await home.settled(1, kind="event", reason="policy_changed")


async def test_O16_a_service_has_the_rights_of_its_own_line_and_is_recorded_as_one(
    server: Counted, opened: Opened, service: Any
) -> None:
    async with opened(server) as home:
        # default deny: no line, no right
        sent = service()
        refused = await home.call(ADD, GOOD["arguments"], headers=sent)
        assert error_of(refused)["message"] == "Unknown tool"
        assert result_of(await home.post("tools/list", headers=sent))["tools"] == []
        await with_services(home)
        answer = result_of(await home.call(ADD, GOOD["arguments"], headers=sent))
        assert answer["structuredContent"]["who"] == "service-account-nightly"
        listed = result_of(await home.post("tools/list", headers=sent))["tools"]
        assert {tool["name"] for tool in listed} == {ADD, "numbers_wait_long"}
        refused = await home.call("numbers_note_number", NOTE, headers=sent)
        assert error_of(refused)["message"] == "Unknown tool"
        # another service, without a line, still may nothing
        refused = await home.call(ADD, GOOD["arguments"], headers=service("unlisted"))
        assert error_of(refused)["message"] == "Unknown tool"
        intent = (await home.records(kind="intent"))[-1]
        assert (intent["service"], intent["agent"]) == (True, "nightly")
        assert (intent["person"], intent["roles"]) == ("service-account-nightly", ["analyst"])
        last = (await home.records(kind="refusal"))[-1]
        assert (last["reason"], last["roles"]) == ("no_role", [])
        # people are recorded without the word
        await home.call(ADD, GOOD["arguments"])
        assert "service" not in (await home.records(kind="intent"))[-1]


async def test_a_person_gains_nothing_from_a_services_line(server: Counted, opened: Opened) -> None:
    """A person's token whose client is listed as a service, and not as an agent."""
    async with opened(server) as home:
        agents = home.gateway.settings.config.parent / "agents.yaml"
        agents.write_text(
            'agents: {}\nservices:\n  mcp-dev-cli: { roles: [analyst], may: [read], tools: ["*"] }\n'
        )
        assert await home.settled(1, kind="event", reason="policy_changed")
        refused = await home.call(ADD, GOOD["arguments"])
        assert error_of(refused)["message"] == "Unknown tool"
        (record,) = await home.records(kind="refusal")
        assert record["reason"] == "unknown_agent"


async def test_a_service_can_be_blocked_and_limited_like_any_agent(
    server: Counted, opened: Opened, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server) as home:
        await with_services(home)
        agents = home.gateway.settings.config.parent / "agents.yaml"
        agents.write_text(SERVICES.replace("1000/minute", "2/hour"))
        await home.settled(2, kind="event", reason="policy_changed")
        sent = service()
        for _ in range(2):
            assert result_of(await home.call(ADD, GOOD["arguments"], headers=sent))["content"]
        text, _ = tool_error(await home.call(ADD, GOOD["arguments"], headers=sent))
        assert "this agent's calls for everybody" in text
        await Operator(home, monkeypatch)("block", "--agent", "nightly")
        assert (await home.call(ADD, GOOD["arguments"], headers=sent)).status_code == 403
        assert (await home.call(ADD, GOOD["arguments"])).status_code == 200
