"""U10: a server that sends the gateway elsewhere: by a redirect, a certificate, or its name."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from attacks.certificates import Authority, signed
from attacks.evil import LOCK, POLICY
from attacks.process import gateway_process
from attacks.upstream import Malicious, failure, malicious
from house.asks import tool_error
from house.conftest import Opened
from house.house import META, MODERN, REFUSED, House, ledger_database
from people import Issuer

from mcp_gateway.upstream.forward import Forward
from mcp_local.postgres import Postgres
from mcp_local.valkey import Valkey


@pytest_asyncio.fixture
async def another(tmp_path: Path) -> AsyncIterator[Malicious]:
    (tmp_path / "another").mkdir()
    async with malicious(tmp_path / "another") as started:
        yield started


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_u10_a_redirect_is_never_followed(
    behind: House, evil: Malicious, another: Malicious, status: int
) -> None:
    for place in (
        f"http://127.0.0.1:{another.port}/taken", f"//localhost:{another.port}/",
        "http://169.254.169.254/latest/meta-data/", "/elsewhere", "file:///etc/passwd",
    ):  # fmt: skip
        behind.breaker.worked()
        how = f"redirect {status} {place}"
        _, code, *_ = await failure(behind, "numbers_look", how)
        assert code == "server_failed"
        assert evil.effects(how) == 1
    assert not another.told("asked")
    assert {one["path"] for one in evil.told("asked")} == {"/mcp"}


CERTIFICATES: dict[str, dict[str, Any]] = {
    "good": {},
    "of another host": {"name": "files.larkfield.example"},
    "expired": {"days": (-30, -1)},
    "not yet": {"days": (1, 30)},
    "of nobody": {"self_signed": True},
    "of an authority nobody trusts": {"authority": True},
}


@pytest.mark.parametrize("which", CERTIFICATES)
async def test_u10_a_server_without_the_right_certificate_gets_no_token(
    tmp_path: Path, issuer: Issuer, postgres_server: Postgres, ledger_template: str,
    valkey_server: Valkey, which: str,
) -> None:  # fmt: skip
    terms = dict(CERTIFICATES[which])
    trusted = Authority.made(tmp_path / "trusted.pem")
    signer = Authority.made(tmp_path / "stranger.pem") if terms.pop("authority", False) else trusted
    pair = signed(tmp_path, signer, **terms)
    async with (
        malicious(tmp_path, *pair) as evil,
        ledger_database(postgres_server.url(), ledger_template) as ledger,
        gateway_process(
            tmp_path / "own", issuer, ledger, valkey_server.url, evil, durable=False,
            policies={"numbers": POLICY}, locks={"numbers": LOCK},
            address=f"https://localhost:{evil.port}/mcp",
            variables={"SSL_CERT_FILE": str(trusted.file)},
        ) as gateway,
        httpx2.AsyncClient(trust_env=False, timeout=30) as http,
    ):  # fmt: skip
        params = {"name": "numbers_look", "arguments": {"how": "x"}, "_meta": META}
        headers = {
            "authorization": f"Bearer {gateway.token}", "accept": "application/json",
            "mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "numbers_look",
        }  # fmt: skip
        document = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        url = f"http://127.0.0.1:{gateway.port}/mcp"
        result = (await http.post(url, json=document, headers=headers)).json()["result"]
        if which == "good":
            assert "isError" not in result
            assert evil.effects("x") == 1
        else:
            assert result["_meta"][REFUSED]["code"] == "server_unavailable"
            assert "Nothing was done" in result["content"][0]["text"]
            assert not evil.told("asked")


async def test_u10_a_name_that_moves_to_another_network_is_not_followed(
    evil: Malicious, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = ["127.0.0.1"]
    real, asked = socket.getaddrinfo, []

    def named(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if host == "server.test":
            asked.append(leads[0])
            host = leads[0]
        return real(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", named)
    address = {"numbers": f"http://server.test:{evil.port}/mcp"}
    terms = {"policies": {"numbers": POLICY}, "locks": {"numbers": LOCK}}
    async with opened(evil, upstreams=address, **terms) as home:
        assert (await home.call("numbers_look", {"how": "x"})).json()["result"]
        for elsewhere in ("169.254.169.254", "10.0.0.7", "8.8.8.8"):
            leads[0] = elsewhere
            await forget(home)
            _, said = tool_error(await home.call("numbers_look", {"how": "x"}))
            assert said["code"] == "server_unavailable"
            assert asked[-1] == elsewhere
        leads[0] = "127.0.0.1"
        await forget(home)
        assert (await home.call("numbers_look", {"how": "x"})).json()["result"]
    assert evil.effects("x") == 2


async def forget(home: House) -> None:
    """No connection is open any more, and no address remembered."""
    assert home.gateway.edge is not None
    forward = home.gateway.edge.pipeline.steps.forward
    assert isinstance(forward, Forward)
    home.breaker.worked()
    connector: Any = forward._client._session.connector
    connector.clear_dns_cache()
    for pool in connector._conns.values():
        for protocol, _ in pool:
            protocol.close()
    connector._conns.clear()
