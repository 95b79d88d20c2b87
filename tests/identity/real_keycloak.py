"""Keycloak itself for a test run: fetched and built once, with our realm imported at its start."""

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from people import GATEWAY, ROOT, TRUST, Issuer, render

from mcp_local.ports import free_port
from mcp_realm.build import FEATURES, built
from mcp_realm.java import java_home
from mcp_realm.native import Native, prepare

START_SECONDS = 300  # a machine that does much else


def chosen() -> bool:
    return os.environ.get("IDENTITY") == "keycloak"


def required() -> None:
    """For tests of what only Keycloak does."""
    if not chosen():
        pytest.skip("Keycloak alone; `make identity` runs it, or IDENTITY=keycloak")


@contextlib.contextmanager
def running_keycloak(
    folder: Path,
    *,
    features: Sequence[str] = FEATURES,
    changes: Mapping[str, Any] | None = None,
    servers: Sequence[str] = ("warehouse", "crm", "docs"),
    public_url_of_gateway: str = GATEWAY,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Issuer]:
    """A Keycloak on a free port, its data in `folder`; `admin_password` opens its administration.

    Raises:
        KeycloakMissingError: there is none, and it could not be fetched.

    """
    realm_file, key_file = render(
        folder,
        public_url_of_gateway=public_url_of_gateway,
        servers=servers,
        roles=(),
        changes=changes or {},
    )
    port, password = free_port(), secrets.token_urlsafe(16)
    origin = f"http://localhost:{port}"
    server = Native(
        build=built(ROOT, "dev-file", features),
        java=java_home(ROOT),
        folder=folder / "keycloak",
        port=port,
        public_url=origin,
        admin_password=secrets.token_urlsafe(16),
        variables={"DEMO_PASSWORD": password, **(variables or {})},
    )
    prepare(server, realm_file)
    log_file = folder / "keycloak.log"
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            server.start(),
            env=server.environment(), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _await(f"{origin}/realms/mcp", process, log_file)
        yield Issuer(
            url=f"{origin}/realms/mcp",
            gateway=public_url_of_gateway,
            password=password,
            key_file=key_file,
            pid=process.pid,
            admin_password=server.admin_password,
        )
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(url, timeout=30, verify=TRUST).status_code == 200:
                return
        time.sleep(0.3)
    raise RuntimeError(f"Keycloak did not start: {log.read_text(encoding='utf-8')[-4000:]}")
