"""The whole stack answering https by its own authority; a stack of this file's own."""

import http.client
import json
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from live.commands import local, made, one_allowed_call_each
from live.conftest import ROOT

from mcp_local import ledger_view, locked_tool
from mcp_local.load import Stack
from mcp_local.place import place
from mcp_local.stack import place_for_test, started
from mcp_local.trust import VARIABLE, Authority


@pytest.fixture(scope="module")
def secure(run_folder: Path) -> Iterator[Stack]:
    try:
        locked_tool.ready(ROOT, "caddy")
    except locked_tool.ToolMissingError as error:
        pytest.skip(f"no Caddy: {error}")
    stack = Stack(replace(place_for_test(run_folder / "tls", ROOT), tls=True))
    with started(stack):
        yield stack


async def test_governed_calls_go_over_tls_with_the_chain_verified(
    secure: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = one_allowed_call_each(secure)
    (untrusting, *_) = await made(secure, calls[:1])
    assert untrusting.decision == "failed"
    assert "CERTIFICATE_VERIFY_FAILED" in untrusting.note
    # the authority alone: nothing else may have vouched for what answers
    monkeypatch.setenv(VARIABLE, str(Authority(secure.here.certificates).certificate))
    outcomes = await made(secure, calls)
    assert [outcome for outcome in outcomes if not outcome.as_expected] == []
    assert len(outcomes) == len(secure.plan.servers())
    verified, words = ledger_view.verified(secure.filler())
    assert verified == "yes", words


def test_metadata_names_https_throughout(secure: Stack) -> None:
    here = secure.here
    assert here.gateway == f"https://localhost:{here.gateway_port}"
    trusting = ssl.create_default_context(cafile=str(Authority(here.certificates).certificate))
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
    )
    with opener.open(f"{here.gateway}/.well-known/oauth-protected-resource/mcp") as answer:
        resource = json.load(answer)
    assert resource["resource"] == f"{here.gateway}/mcp"
    assert resource["authorization_servers"] == [here.issuer]
    with opener.open(f"{here.issuer}/.well-known/openid-configuration") as answer:
        issuer = json.load(answer)
    assert issuer["issuer"] == here.issuer
    plain = [key for key, value in issuer.items() if str(value).startswith("http:")]
    assert plain == []


@pytest.mark.parametrize("which", ["gateway_port", "issuer_port"])
def test_plain_http_on_the_tls_port_is_refused(secure: Stack, which: str) -> None:
    port = getattr(secure.here, which)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("POST", "/mcp", body=b"{}", headers={"Host": f"localhost:{port}"})
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"HTTP request to an HTTPS server" in answer.read()
    connection.close()


def test_the_commands_of_a_person_trust_it_by_themselves(secure: Stack) -> None:
    # as typed in a shell that says nothing of TLS: the run folder remembers
    assert place({"STACK_RUN": str(secure.here.run)}, ROOT).tls
    visited = local(secure, "doctor", env={"STACK_TLS": ""})
    assert visited.returncode == 0, visited.stdout
    assert "Issuer and gateway metadata agree" in visited.stdout
    assert "https by" in visited.stdout
    told = local(secure, "connect", env={"STACK_TLS": ""})
    assert f"{secure.here.gateway}/mcp" in told.stdout
    assert f"NODE_EXTRA_CA_CERTS='{secure.here.certificates / 'ca.pem'}'" in told.stdout
