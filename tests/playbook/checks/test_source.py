"""Which deployment is meant, and what is said when it cannot be told."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mcp_playbook import baseline, source
from mcp_playbook.__main__ import main
from mcp_playbook.source import SourceError
from mcp_playbook.tokens import CommandTokens, NoTokenError, PasswordTokens

ROOT = Path(__file__).parents[3]


def test_a_bare_url_is_its_own_server_and_has_no_kit() -> None:
    found = source.from_environment({"URL": "https://mcp.example/mcp"})
    assert found.origin == "https://mcp.example"
    assert [one.url for one in found.backends()] == ["https://mcp.example/mcp"]
    assert found.kit is None
    assert found.tokens is None


@pytest.mark.parametrize("url", ["mcp.example", "ftp://x/mcp", "stdio:server"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SourceError, match="http"):
        source.from_environment({"URL": url})


def test_a_deployment_file_names_gateway_servers_and_people(tmp_path: Path) -> None:
    file = tmp_path / "deployment.toml"
    file.write_text(
        f'gateway = "https://mcp.example"\nconfig = "{ROOT}/gateway/gateway.yaml"\n'
        'token_command = ["printf", "%s", "tok-{person}-{scope}"]\n'
        'internal = { crm = "http://10.0.0.1/mcp" }\n'
        'operator = { username = "olu", password_env = "OLU" }\n'
    )
    found = source.of_file(file, {"OLU": "secret", "GATEWAY_LEDGER_READER_URL": "postgresql://x"})
    assert found.endpoints[0].url == "https://mcp.example/mcp"
    assert "https://mcp.example/servers/crm/mcp" in [one.url for one in found.endpoints]
    assert found.allowed()
    assert found.kit
    assert found.kit.operator == ("olu", "secret")
    assert found.kit.ledger == "postgresql://x"
    assert found.kit.gateway_env is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "gateway"),
        ('gateway = "https://a/"', "gateway"),
        ('gateway = "https://a"\nlogz = "x"', "logz"),
        ("gateway =", "deployment.toml"),
        (
            f'gateway = "https://a"\nconfig = "{ROOT}/gateway/gateway.yaml"\n[internal]\ncrn = "x"',
            "crn",
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_key(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "deployment.toml"
    file.write_text(text)
    with pytest.raises(SourceError, match=words):
        source.of_file(file)


def test_a_file_that_is_not_there_says_where_its_form_is_told() -> None:
    with pytest.raises(SourceError, match=r"playbook/deployment\.md"):
        source.of_file(Path("nowhere.toml"))
    with pytest.raises(SourceError, match="no such file"):
        source.bare("http://127.0.0.1:9/mcp", probes="nowhere.toml")


async def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(NoTokenError, match=r"token_command \./no-such-command"):
        await CommandTokens(["./no-such-command"])("ana", "aud:mcp")


async def test_a_command_that_gives_no_token_says_why() -> None:
    tokens = CommandTokens(["sh", "-c", "echo nobody is called {person} >&2; exit 1"])
    with pytest.raises(NoTokenError, match="nobody is called ana"):
        await tokens("ana", "aud:mcp")


async def test_a_token_is_asked_for_once_until_it_is_forgotten(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    tokens = CommandTokens(["sh", "-c", f"echo {{person}} >> {log}; echo token"])
    assert await tokens("ana", "a") == await tokens("ana", "a") == "token"
    tokens.forget("ana")
    await tokens("ana", "a")
    assert log.read_text().split() == ["ana", "ana"]


def test_a_wrong_address_ends_with_two_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("URL", "nonsense")
    assert main(["week", "1"]) == 2
    assert "nonsense" in capsys.readouterr().err


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STACK_RUN", str(tmp_path / "run"))
    for name in ("URL", "DEPLOYMENT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_runs")
def test_a_stack_that_does_not_run_is_not_measured_and_leaves_no_evidence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(source.EVIDENCE, str(tmp_path / "evidence"))
    assert (main(["week", "1"]), baseline.main()) == (2, 2)
    told = capsys.readouterr()
    assert told.err.count("make up") == 2
    assert not told.out
    assert not (tmp_path / "evidence").exists()


async def test_an_issuers_reason_is_told_in_its_words(tmp_path: Path) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(400)
            self.end_headers()
            self.wfile.write(b'{"error": "invalid_grant", "error_description": "no such person"}')

        def log_message(self, *_: object) -> None: ...

    (tmp_path / "password").write_text("x")
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        tokens = PasswordTokens(f"http://127.0.0.1:{server.server_port}/", tmp_path / "password")
        with pytest.raises(NoTokenError, match="gives zoe no token: no such person"):
            await tokens("zoe", "aud:mcp")


def test_a_baseline_of_nothing_is_no_baseline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("URL", "http://127.0.0.1:9/mcp")
    monkeypatch.delenv("PROBES", raising=False)
    assert baseline.main() == 2
    assert "PROBES=" in capsys.readouterr().err
