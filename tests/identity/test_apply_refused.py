"""`make realm` where it cannot: one sentence each, nothing changed, no secret in it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import RSAKey
from people import ROOT

from mcp_local.ports import free_port
from mcp_realm import admin as door
from mcp_realm.admin import CannotError, Login
from mcp_realm.apply import main, run
from mcp_realm.apply_target import of_clone

SECRET = "a-secret-nobody-sees"
TOKEN = {"access_token": "t", "expires_in": 60, "refresh_token": "r", "refresh_expires_in": 60}
Answers = Mapping[str, tuple[int, Any]]


@contextmanager
def answering(answers: Answers) -> Iterator[str]:
    """A server that knows a few paths, by how they end."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            known = [said for end, said in answers.items() if path.endswith(end)]
            status, body = known[0] if known else (404, {"error": "not here"})
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def sentence(base: str, doing: Callable[[str], object] | None = None) -> str:
    who = Login("admin", SECRET)
    with pytest.raises(CannotError) as told:
        (doing or (lambda at: door.signed_in(at, "mcp", who)))(base)
    words = str(told.value)
    assert SECRET not in words
    assert "\n" not in words
    assert "Traceback" not in words
    return words


def test_keycloak_is_away() -> None:
    base = f"http://127.0.0.1:{free_port()}"
    assert sentence(base) == (
        f"Keycloak does not answer at {base}: connection refused. Start it, or set KEYCLOAK_URL."
    )
    assert "no such host" in sentence("https://keycloak.invalid")


def test_something_else_answers_there() -> None:
    with answering({}) as base:
        assert "is it a Keycloak?" in sentence(base)


def test_a_proxy_has_nothing_behind_it() -> None:
    with answering({"/token": (502, {"error": "bad gateway"})}) as base:
        assert "Keycloak does not answer" in sentence(base)


def test_the_password_does_not_travel_in_clear() -> None:
    assert "would travel in clear" in sentence("http://keycloak.example")


@pytest.mark.parametrize("version", ["26.1.5", "25.0.6", "9.0"])
def test_a_keycloak_is_too_old(version: str) -> None:
    told = {"systemInfo": {"version": version}}
    with answering({"/token": (200, TOKEN), "/serverinfo": (200, told)}) as base:
        admin = door.signed_in(base, "mcp", Login("admin", SECRET))
        assert f"Keycloak {version} is too old" in sentence(base, lambda _: door.version(admin))


def test_who_administers_one_realm_alone_is_not_asked_for_the_version() -> None:
    with answering({"/token": (200, TOKEN), "/serverinfo": (403, {})}) as base:
        admin = door.signed_in(base, "mcp", Login("admin", SECRET))
        assert door.version(admin) == "unknown"
        assert door.feature(admin, "CIMD") is None


def target_at(base: str, folder: Path) -> Any:
    key = folder / "key.pem"
    key.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    environ = {
        "KEYCLOAK_ADMIN_PASSWORD": SECRET,
        "GATEWAY_ASSERTION_KEY": str(key),
        "STACK_ROOT": str(ROOT),
    }
    return of_clone(issuer=f"{base}/realms/mcp", development=True, environ=environ)


def test_a_keycloak_lacks_token_exchange(tmp_path: Path) -> None:
    told = {
        "systemInfo": {"version": "26.7.5"},
        "features": [{"name": "TOKEN_EXCHANGE_STANDARD_V2", "enabled": False}],
    }
    with answering({"/token": (200, TOKEN), "/serverinfo": (200, told)}) as base:
        target = target_at(base, tmp_path)
        said = sentence(base, lambda _: run(target, print, lambda _: True))
        assert "token exchange turned off" in said


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "Nobody is named who administers Keycloak"),
        ({"KEYCLOAK_ADMIN_PASSWORD_FILE": "/nowhere/at-all"}, "No such file"),
        ({"KEYCLOAK_ADMIN_CLIENT_ID": "ops"}, "KEYCLOAK_ADMIN_CLIENT_SECRET_FILE"),
    ],
)
def test_nobody_is_named_who_administers(environ: dict[str, str], words: str) -> None:
    with pytest.raises(CannotError, match=words):
        door.login(environ)


def test_the_password_comes_from_a_file_and_is_in_no_printed_form(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    found = door.login({"KEYCLOAK_ADMIN_PASSWORD_FILE": str(file)})
    assert found.secret == SECRET
    assert SECRET not in repr(found)
    assert door.login({}, file).secret == SECRET


def test_the_command_says_it_on_stderr_and_with_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEYCLOAK_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("KEYCLOAK_ADMIN_PASSWORD", SECRET)
    monkeypatch.setenv("STACK_RUN", str(tmp_path / "run"))
    monkeypatch.delenv("GATEWAY_ASSERTION_KEY", raising=False)
    assert main(["--check"]) == 2
    assert "GATEWAY_ASSERTION_KEY is not set" in capsys.readouterr().err
    key = tmp_path / "key.pem"
    key.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    monkeypatch.setenv("GATEWAY_ASSERTION_KEY", str(key))
    assert main(["--check"]) == 2
    said = capsys.readouterr()
    assert "connection refused" in said.err
    assert SECRET not in said.err + said.out
