"""Each finding of the doctor, on a clone in small: what is wrong is named, with what to do."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from local.small_stack import clone

from mcp_local import doctor, doctor_identity
from mcp_local.board import Board, PartState
from mcp_local.load import Stack
from mcp_local.lock import held
from mcp_local.place import prepare
from mcp_local.private_ca import issue
from mcp_local.stack import place_for_test


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    root = clone(tmp_path / "c")
    here = place_for_test(root / ".run", root)
    prepare(here)
    return Stack(here)


@pytest.fixture
def running(stack: Stack) -> Iterator[Stack]:
    """As if a supervisor held the stack."""
    with held(stack.here.run / "supervisor.lock"):
        yield stack


class Metadata:
    """Issuer and gateway in one: answers what a test tells it to."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.date = formatdate(usegmt=True)


@pytest.fixture
def told() -> Metadata:
    return Metadata()


@pytest.fixture
def public(running: Stack, told: Metadata) -> Iterator[Stack]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(told.answers[self.path]).encode()
            self.send_response_only(200)
            self.send_header("Date", told.date)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        here = replace(running.here, gateway_port=port, issuer_port=port)
        told.answers = {
            "/realms/mcp/.well-known/openid-configuration": {"issuer": here.issuer},
            "/.well-known/oauth-protected-resource/mcp": {
                "resource": f"{here.gateway}/mcp",
                "authorization_servers": [here.issuer],
            },
        }
        yield Stack(here)
        server.shutdown()


def test_a_stack_that_does_not_run_is_no_problem(stack: Stack) -> None:
    for check in (
        doctor.parts, doctor_identity.identity, doctor_identity.clock, doctor.ports, doctor.telemetry,
    ):  # fmt: skip
        assert check(stack).good


def test_the_holder_of_a_public_port_is_named(stack: Stack) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", stack.here.issuer_port))
        s.listen()
        found = doctor.ports(stack)
    assert not found.good
    assert f"{stack.here.issuer_port} (issuer) is held by" in found.what
    assert found.remedy


def test_a_part_that_is_not_well_is_named(running: Stack) -> None:
    well = PartState("alpha", "server", status="healthy")
    sick = PartState("beta", "server", status="restarting")
    Board(running.here.state, "x", 0.0, {"alpha": well, "beta": sick}).save()
    found = doctor.parts(running)
    assert not found.good
    assert found.what == "beta restarting"


def test_gateway_and_issuer_that_agree_are_well(public: Stack) -> None:
    assert doctor_identity.identity(public).good
    assert doctor_identity.clock(public).good


@pytest.mark.parametrize(
    ("path", "key", "value", "says"),
    [
        ("/realms/mcp/.well-known/openid-configuration", "issuer", "http://other", "http://other"),
        (
            "/.well-known/oauth-protected-resource/mcp", "authorization_servers", [],
            "does not name",
        ),
        ("/.well-known/oauth-protected-resource/mcp", "resource", "http://b/mcp", "http://b/mcp"),
    ],
)  # fmt: skip
def test_a_url_that_differs_is_named(
    public: Stack, told: Metadata, path: str, key: str, value: object, says: str
) -> None:
    told.answers[path][key] = value
    found = doctor_identity.identity(public)
    assert not found.good
    assert says in found.what


def test_a_clock_that_is_off_is_named(public: Stack, told: Metadata) -> None:
    told.date = formatdate(0, usegmt=True)
    found = doctor_identity.clock(public)
    assert not found.good
    assert "NTP" in found.remedy


def test_metadata_that_cannot_be_read_is_a_problem(running: Stack) -> None:
    assert not doctor_identity.identity(running).good
    assert not doctor_identity.clock(running).good


QUERY = f"/api/v1/query?query={doctor.HEARTBEAT}"


def tell(stack: Stack, told: Metadata, *arrived: float) -> None:
    """As if the telemetry part had heard of the gateway at these times."""
    base = f"http://127.0.0.1:{stack.here.gateway_port}"
    stack.here.stack.write_text(json.dumps({"telemetry": base}))
    told.answers[QUERY] = {"data": {"result": [{"value": [at, "1"]} for at in arrived]}}


def test_telemetry_that_arrives_is_well(public: Stack, told: Metadata) -> None:
    tell(public, told, time.time() - 3600, time.time() - 5)
    found = doctor.telemetry(public)
    assert found.good
    assert "Telemetry arrives" in found.what


@pytest.mark.parametrize("ago", [None, 600])
def test_telemetry_that_does_not_arrive_is_a_problem(
    public: Stack, told: Metadata, ago: float | None
) -> None:
    tell(public, told, *([] if ago is None else [time.time() - ago]))
    found = doctor.telemetry(public)
    assert not found.good
    assert "Nothing of the gateway has arrived" in found.what
    assert found.remedy


def test_a_telemetry_part_that_does_not_answer_is_a_problem(running: Stack) -> None:
    running.here.stack.write_text(json.dumps({"telemetry": "http://127.0.0.1:9"}))
    assert not doctor.telemetry(running).good


def test_of_a_backend_of_ones_own_it_says_where_to_look(running: Stack) -> None:
    running.here.stack.write_text(json.dumps({"telemetry": None}))
    found = doctor.telemetry(running)
    assert found.good
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in found.what
    assert doctor.HEARTBEAT in found.what


def test_a_realm_without_people_is_a_problem(stack: Stack) -> None:
    assert not doctor.realm(stack).good


def test_servers_of_ones_own_need_no_binaries(stack: Stack) -> None:
    own = Stack(replace(stack.here, database_url="postgresql://x/y", redis_url="redis://x"))
    assert doctor.postgres_binaries(own).what == "PostgreSQL from DATABASE_URL"
    assert doctor.valkey_binary(own).what == "Valkey from REDIS_URL"


def test_the_exit_code_says_whether_there_is_a_problem(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.run(stack) == 1  # this realm has no people
    shown = capsys.readouterr().out
    assert "problem" in shown
    assert "nobody can sign in" in shown


def secured(stack: Stack) -> Stack:
    return Stack(replace(stack.here, tls=True))


def test_a_plain_stack_has_no_certificate_to_judge(stack: Stack) -> None:
    assert doctor.certificate(stack).good
    assert "make up TLS=1" in doctor.certificate(stack).what


def test_a_certificate_is_judged_by_its_end_and_its_keys(stack: Stack) -> None:
    found = secured(stack)
    assert doctor.certificate(found).what == "https: no certificate yet"
    authority = issue(found.here.certificates)
    judged = doctor.certificate(found)
    assert judged.good
    assert "good for 396 days" in judged.what
    authority.server_key.chmod(0o644)
    opened = doctor.certificate(found)
    assert not opened.good
    assert str(authority.server_key) in opened.what
    assert opened.remedy == f"chmod 600 {authority.server_key}"


def test_a_certificate_that_has_ended_is_a_problem(stack: Stack) -> None:
    found = secured(stack)
    issue(found.here.certificates, lambda: datetime.now(UTC) - timedelta(days=400))
    judged = doctor.certificate(found)
    assert not judged.good
    assert "renewed" in judged.remedy


def test_plain_http_where_https_should_answer_is_a_problem(public: Stack) -> None:
    found = secured(public)
    issue(found.here.certificates)
    judged = doctor.certificate(found)
    assert not judged.good
    assert judged.what.startswith("https: ")
