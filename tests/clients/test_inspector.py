"""The Inspector's command line beyond tools: what it reads, and how it ends when it is refused."""

import json
import subprocess

import pytest
from live.inspector import Inspector, installed

from mcp_local.governed import token
from mcp_local.load import Stack

ERAS = ("modern", "legacy")
OK, FAILED, NO_TOKEN, TOOL_ERROR = 0, 1, 3, 5  # exit codes


@pytest.fixture(scope="session")
def inspector() -> Inspector:
    return installed()


@pytest.fixture(scope="session")
def bearer(stack: Stack) -> str:
    endpoint = f"{stack.here.issuer}/protocol/openid-connect/token"
    return token(endpoint, "ana", stack.here.secrets / "demo-password", "openid aud:mcp")


READS = {
    "prompts/get": ("--prompt-name", "warehouse_revenue_review", "--prompt-args", "focus=EUROPE"),
    "resources/read": ("--uri", "docs://data/accounts"),
}


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_reads_prompts_and_resources(
    stack: Stack, inspector: Inspector, bearer: str, era: str
) -> None:
    url = f"{stack.here.gateway}/mcp"
    found = {method: inspector(url, bearer, era, method, *words) for method, words in READS.items()}
    assert {method: done.returncode for method, done in found.items()} == dict.fromkeys(READS, OK)
    assert "EUROPE" in found["prompts/get"].stdout
    read = json.loads(found["resources/read"].stdout)["result"]
    assert read["contents"][0]["uri"] == "docs://data/accounts"


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_negotiates_the_version_of_its_era(
    stack: Stack, inspector: Inspector, bearer: str, era: str
) -> None:
    done = inspector(f"{stack.here.gateway}/mcp", bearer, era, "initialize")
    agreed = json.loads(done.stdout)["result"]["protocolVersion"]
    assert agreed == {"modern": "2026-07-28", "legacy": "2025-11-25"}[era]


def call(name: str, **arguments: str) -> tuple[str, ...]:
    return ("tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments))


@pytest.mark.parametrize("era", ERAS)
def test_the_inspector_ends_with_a_code_that_says_why(
    stack: Stack, inspector: Inspector, bearer: str, era: str
) -> None:
    url = f"{stack.here.gateway}/mcp"

    def ended(words: tuple[str, ...], held: str = bearer) -> subprocess.CompletedProcess[str]:
        return inspector(url, held, era, *words)

    # a tool that ana may not use is none to her
    hidden = ended(call("crm_log_note"))
    assert (hidden.returncode, "not found" in hidden.stderr) == (TOOL_ERROR, True)
    wrong = ended(call("warehouse_describe_table", table="sales.nothing"))
    assert wrong.returncode == TOOL_ERROR
    assert json.loads(wrong.stdout)["result"]["isError"] is True
    nothing = ended(("resources/read", "--uri", "docs://nothing/here"))
    assert (nothing.returncode, "no such page" in nothing.stderr) == (FAILED, True)
    assert ended(("tools/list",), "nonsense").returncode == NO_TOKEN
