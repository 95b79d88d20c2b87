"""`python -m mcp_gateway.realm render`, from a gateway's own files."""

import json
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from people import BASE_REALM

from mcp_gateway.realm.keycloak import main

POLICY = """
tools:
  list_invoices: {roles: [bookkeeper]}
prompts:
  month_end: {roles: [controller]}
resources:
  "billing://*": {roles: [bookkeeper, intern]}
"""


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with one server and a key, and an environment that says nothing else."""
    for name in ("GATEWAY_PUBLIC_URL", "GATEWAY_ISSUER", "GATEWAY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "gateway").mkdir()
    (tmp_path / "servers" / "billing").mkdir(parents=True)
    (tmp_path / "servers" / "billing" / "policy.yaml").write_text(POLICY)
    (tmp_path / "gateway" / "gateway.yaml").write_text(
        "public_url: https://mcp.example\nissuer: https://id.example/realms/mcp\n"
        "servers: [billing]\n"
    )
    (tmp_path / "gateway" / "agents.yaml").write_text("agents: {}\n")
    key = tmp_path / "key.pem"
    key.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    monkeypatch.setenv("GATEWAY_ASSERTION_KEY", str(key))
    return tmp_path


def render(kit: Path) -> int:
    return main(
        [
            "render",
            *("--out", str(kit / "out" / "realm.json")),
            *("--base", str(BASE_REALM)),
            *("--config", str(kit / "gateway" / "gateway.yaml")),
        ]
    )


def test_a_listed_server_and_its_roles_enter_the_realm(kit: Path) -> None:
    assert render(kit) == 0
    realm = json.loads((kit / "out" / "realm.json").read_text())
    names = {client["clientId"] for client in realm["clients"]}
    assert {"https://mcp.example/mcp", "http://billing.internal/mcp"} <= names
    roles = {role["name"] for role in realm["roles"]["realm"]}
    assert {"bookkeeper", "controller", "intern"} <= roles


def test_the_environment_moves_the_gateway(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PUBLIC_URL", "http://localhost:9999")
    assert render(kit) == 0
    text = (kit / "out" / "realm.json").read_text()
    assert "http://localhost:9999/console/callback" in text
    assert "mcp.example" not in text


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda kit: (kit / "key.pem").unlink(), "key.pem"),
        (lambda kit: (kit / "key.pem").write_text("not a key"), "not rendered"),
        (lambda kit: (kit / "gateway" / "gateway.yaml").unlink(), "gateway.yaml"),
        (lambda kit: (kit / "servers" / "billing" / "policy.yaml").unlink(), "policy.yaml"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_written(
    kit: Path, capsys: pytest.CaptureFixture[str], spoil: object, said: str
) -> None:
    spoil(kit)  # type: ignore[operator]
    assert render(kit) == 2
    assert said in capsys.readouterr().err
    assert not (kit / "out").exists()


def test_without_a_key_nothing_is_rendered(
    kit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GATEWAY_ASSERTION_KEY")
    assert render(kit) == 2
    assert "GATEWAY_ASSERTION_KEY" in capsys.readouterr().err
