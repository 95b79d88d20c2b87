"""A PostgreSQL of the harness's own: durable, killed and started at will, on a disk that can fill."""

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import psutil

from mcp_local import postgres
from mcp_local.ports import free_port
from mcp_local.postgres_home import unprivileged

START_SECONDS = 60  # a recovery after a crash is included
FAST, IMMEDIATE = signal.SIGINT, signal.SIGQUIT  # a shutdown, and one that recovers like a crash
OPTIONS = {"max_connections": "100", "fsync": "on", "full_page_writes": "on"}


class Cluster:
    def __init__(self, data: Path, binaries: Path, log: Path) -> None:
        self._data, self._binaries, self._log = data, binaries, log
        self.address = postgres.Postgres(port=free_port(), password=secrets.token_urlsafe(16))
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns once it answers; a server that is there already is left alone."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = self._launched()
        async with asyncio.timeout(START_SECONDS):
            while not await postgres.answers(self.address.url()):
                if self._process.poll() is not None:
                    raise RuntimeError(f"PostgreSQL ended: {self._log.read_text()[-1000:]}")
                await asyncio.sleep(0.05)

    def _launched(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                postgres.command(self._data, self.address.port, OPTIONS, self._binaries),
                cwd="/", stdout=log, stderr=log, **unprivileged(),
            )  # fmt: skip

    async def stop(self, how: signal.Signals) -> None:
        """Told to end; one that does not is killed, with its children."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                await asyncio.to_thread(self._process.wait, 20)
            except subprocess.TimeoutExpired:
                await self.kill()
        self._process = None

    async def kill(self) -> None:
        """SIGKILL to all of it, as when the machine's memory runs out."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(self._process.pid)
            family = [own, *own.children(recursive=True)]
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
            await asyncio.to_thread(psutil.wait_procs, family, 10)
        await asyncio.to_thread(self._process.wait, 10)
        self._process = None

    @property
    def ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    async def sql(self, query: str, *values: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.address.url(), timeout=5)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close(timeout=5)


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Cluster]:
    at = await asyncio.to_thread(postgres.home, folder)
    try:
        async with _in(at.data, at.binaries, folder / "postgres.log") as cluster:
            yield cluster
    finally:
        postgres.remove(folder)


def mount(disk: Path, megabytes: int) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "tmpfs", str(disk)],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if mounted.returncode:
        raise PermissionError(f"a small disk cannot be mounted: {mounted.stderr.strip()}")


def unmount(disk: Path) -> None:
    subprocess.run(["umount", "-l", str(disk)], check=True)


@contextlib.asynccontextmanager
async def on_a_small_disk(folder: Path, megabytes: int) -> AsyncIterator[tuple[Cluster, Path]]:
    """On a tmpfs that can be filled. It syncs to memory: what it shows is a full disk, not a crash.

    Raises:
        PermissionError: only root may mount.

    """
    if os.geteuid() != 0:
        raise PermissionError("only root may mount a small disk")
    at = await asyncio.to_thread(postgres.home, folder)
    disk = at.data.with_name("disk")
    disk.mkdir(parents=True, exist_ok=True)
    mount(disk, megabytes)
    try:
        async with _in(disk / "data", at.binaries, folder / "postgres.log") as cluster:
            yield cluster, disk
    finally:
        unmount(disk)
        postgres.remove(folder)


@contextlib.asynccontextmanager
async def _in(data: Path, binaries: Path, log: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(data, binaries, log)
    await asyncio.to_thread(postgres.initialise, data, cluster.address.password, binaries)
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop(IMMEDIATE)
