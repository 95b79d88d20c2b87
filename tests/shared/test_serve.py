import base64
import hmac
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from asgi import client_of, started
from joserfc import jwk
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from shared.toolbox import add_numbers
from tokens import ISSUER, a_token, key_set, signing_key

from mcp_shared import identity
from mcp_shared.serve import ContractError, asgi, definitions, new_server
from mcp_shared.settings import ServerSettings
from mcp_shared.tokens import KeySource

RESOURCE = "http://numbers.internal/mcp"
GATEWAY = "http://localhost:8080/mcp"


def a_server() -> Any:
    return new_server(
        "numbers", title="Numbers", version="1", instructions="Adds.", tools=[add_numbers]
    )


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    settings = ServerSettings(
        resource=RESOURCE,
        issuer=ISSUER,
        jwks_url="http://unused.invalid",
        callers=frozenset({GATEWAY}),
    )
    app = asgi(a_server(), settings)
    assert isinstance(app, identity.TokenCheck)
    app.keys = KeySource(key_set(signing_key))
    async with started(app.app), client_of(app, "http://numbers") as client:
        yield client


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_token(aud=RESOURCE, azp=GATEWAY, **claims)}"}


async def call(
    http: httpx2.AsyncClient, arguments: dict[str, Any], tool: str = "add_numbers"
) -> Any:
    http.headers.update(bearer())
    transport = streamable_http_client("http://numbers/mcp", http_client=http)
    async with Client(transport, mode="2026-07-28") as client:
        return await client.call_tool(tool, arguments)


async def test_a_tool_answers_for_the_person_of_the_token(http: httpx2.AsyncClient) -> None:
    result = await call(http, {"numbers": [1, 2]})
    assert result.structured_content == {"total": 3, "who": "ana"}
    assert result.content[0].text == '{"total":3,"who":"ana"}'


async def test_every_argument_problem_comes_back_in_one_answer(http: httpx2.AsyncClient) -> None:
    result = await call(http, {"numbers": [1, 12], "styel": "roman", "style": "romn"})
    text = result.content[0].text
    assert result.is_error
    assert "$.numbers.1: too large; expected integer from 0 to 9" in text
    assert "$.styel: unknown argument" in text
    assert "Did you mean 'style'?" in text
    assert "Did you mean 'roman'?" in text
    assert "12" not in text.replace("1 to", "")


async def test_a_fault_reads_as_what_happened_and_what_to_do_instead(
    http: httpx2.AsyncClient,
) -> None:
    result = await call(http, {"numbers": [], "style": "roman"})
    assert result.is_error
    assert result.content[0].text == "There is no Roman zero. Give at least one digit."
    assert result.meta["dev.mcp-in-production/fault"] == {"code": "not_found"}


async def test_a_bug_says_nothing_of_itself(http: httpx2.AsyncClient) -> None:
    result = await call(http, {"numbers": [9, 9, 9]})
    assert result.is_error
    assert "secret" not in result.content[0].text


async def test_an_unknown_tool_is_invalid_params(http: httpx2.AsyncClient) -> None:
    transport = streamable_http_client("http://numbers/mcp", http_client=http)
    http.headers.update(bearer())
    async with Client(transport, mode="2026-07-28") as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("drop_table", {})
    assert caught.value.error.code == -32602


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": GATEWAY},
        {"aud": [RESOURCE, GATEWAY]},
        {"azp": "mcp-dev-cli"},
        {"iss": "http://other"},
        {"typ": "ID"},
        {"exp": 1},
        {"exp": "9999999999"},
        {"iss": [ISSUER]},
    ],
)
async def test_a_token_for_anyone_else_is_refused(
    http: httpx2.AsyncClient, claims: dict[str, Any]
) -> None:
    token = a_token(**{"aud": RESOURCE, "azp": GATEWAY, **claims})
    response = await http.post("/mcp", json={}, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x.y.z", "Basic abc", "Bearer a, Bearer b"]
)
async def test_no_token_no_entry(http: httpx2.AsyncClient, header: str) -> None:
    response = await http.post("/mcp", json={}, headers={"Authorization": header} if header else {})
    assert response.status_code == 401


async def test_another_key_or_algorithm_is_refused(http: httpx2.AsyncClient) -> None:
    mallory = jwk.RSAKey.generate_key(2048, {"kid": "k1"})
    forged = a_token(aud=RESOURCE, azp=GATEWAY, key=mallory)
    head, body, _ = a_token(aud=RESOURCE, azp=GATEWAY, header={"alg": "RS256"}).split(".")
    lying = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": signing_key.kid}).encode())
    signed = f"{lying.decode().rstrip('=')}.{body}"
    mac = hmac.digest(signing_key.as_pem(private=False), signed.encode(), "sha256")
    confused = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
    assert head
    for token in (forged, confused):
        response = await http.post("/mcp", json={}, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401


async def test_definitions_are_hashed_and_closed() -> None:
    document = await definitions(a_server())
    (tool,) = document["tools"]
    assert tool["inputSchema"]["additionalProperties"] is False
    assert "title" not in tool["inputSchema"]["properties"]["numbers"]
    assert len(tool["hash"]) == 64


def test_an_unbounded_argument_is_refused_at_start_up() -> None:
    module = ModuleType("loose")

    async def loose(text: str) -> str:
        return text

    module.loose, module.TITLE, module.HINTS = loose, "Loose", add_numbers.HINTS  # type: ignore[attr-defined]
    with pytest.raises(ContractError, match="without maxLength"):
        new_server("x", title="X", version="1", instructions="", tools=[module])


def test_nothing_but_json_rpc_reaches_stdout_on_stdio() -> None:
    program = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from shared.toolbox import add_numbers\n"
        "from mcp_shared import serve\n"
        "def build():\n"
        "    print('noise'); return serve.new_server('n', title='N', version='1', instructions='', tools=[add_numbers])\n"
        "sys.argv = ['n', '--stdio']\n"
        "serve.main('__main__')\n"
    )
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    request = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "add_numbers", "arguments": {"numbers": [4]}, "_meta": meta},
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(request) + "\n", capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in lines] == [1], done.stderr
    assert lines[0]["result"]["structuredContent"]["total"] == 4
    assert "noise" in done.stderr
