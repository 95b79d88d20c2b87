"""Keycloak from an unpacked distribution, with our realm imported at its start."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from people import GATEWAY, Issuer, render

from mcp_local.ports import free_port

START_SECONDS = 300  # two cores, a cold Java and the augmentation of a changed build


@contextlib.contextmanager
def running_keycloak(
    home: Path, folder: Path, *, features: Sequence[str], changes: Mapping[str, Any]
) -> Iterator[Issuer]:
    realm_file, key_file = render(
        folder,
        public_url_of_gateway=GATEWAY,
        servers=("warehouse", "crm", "docs"),
        roles=(),
        changes=changes,
    )
    copy = folder / "keycloak"
    shutil.copytree(home, copy, ignore=shutil.ignore_patterns("data"), symlinks=True)
    (copy / "data" / "import").mkdir(parents=True)
    shutil.copy(realm_file, copy / "data" / "import" / "mcp-realm.json")
    port, password = free_port(), secrets.token_urlsafe(16)
    origin = f"http://localhost:{port}"
    command = [
        str(copy / "bin" / "kc.sh"),
        "start",
        "--db=dev-file",
        *([f"--features={','.join(features)}"] if features else []),
        "--http-enabled=true",
        "--http-host=127.0.0.1",
        f"--http-port={port}",
        f"--hostname={origin}",
        "--hostname-backchannel-dynamic=true",
        "--cache=local",
        "--import-realm",
    ]
    environment = {
        **os.environ,
        "DEMO_PASSWORD": password,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": secrets.token_urlsafe(16),
        "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m",
    }
    with (folder / "keycloak.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _await(f"{origin}/realms/mcp", process, folder / "keycloak.log")
        yield Issuer(f"{origin}/realms/mcp", GATEWAY, password, key_file, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)
        shutil.rmtree(copy, ignore_errors=True)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(url).status_code == 200:
                return
        time.sleep(0.5)
    raise RuntimeError(f"Keycloak did not start: {log.read_text(encoding='utf-8')[-4000:]}")
