"""Where it was measured: figures of another machine, or of this one under other load, differ."""

import importlib.metadata
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("mcp", "uvicorn", "uvloop", "httptools", "aiohttp", "redis", "asyncpg", "msgspec",
            "opentelemetry-sdk", "starlette")  # fmt: skip
FLUSHES = 60


def flush_ms(folder: Path) -> tuple[float, float]:
    """Median and slowest of appending a page and flushing it to the disk."""
    file = folder / "flush"
    took = []
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    try:
        for _ in range(FLUSHES):
            os.write(descriptor, b"x" * 8192)
            begun = time.perf_counter()
            sync(descriptor)
            took.append((time.perf_counter() - begun) * 1000)
    finally:
        os.close(descriptor)
        file.unlink()
    return statistics.median(took), max(took)


def facts() -> dict[str, Any]:
    versions = {name: _version(name) for name in PACKAGES}
    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "nginx": _said(["nginx", "-v"]) or _said(["/usr/sbin/nginx", "-v"]),
        "wrk": _said(["wrk", "-v"]).partition(" [")[0],
        "packages": versions,
        "commit": _said(["git", "rev-parse", "--short", "HEAD"]),
    }


def load_average() -> list[float]:
    return [round(one, 2) for one in os.getloadavg()]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "-"


def _said(command: list[str]) -> str:
    """The first line a command says, on either stream."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
