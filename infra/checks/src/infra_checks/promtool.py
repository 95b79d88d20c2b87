"""Prometheus' own checker: the machine's, or unpacked from Debian's package without installing it.

Installing that package would start a server.
"""

import os
import shutil
from pathlib import Path

from infra_checks.bench import Bench, NotRunError
from mcp_local import lock

FOLDER = Path(".cache/promtool")
PACKAGE = "prometheus"


def promtool(bench: Bench) -> Path:
    """Where it is.

    Raises:
        NotRunError: there is none, and none could be had.

    """
    if found := shutil.which("promtool"):
        return Path(found)
    folder = bench.root / FOLDER
    program = folder / "usr" / "bin" / "promtool"
    folder.mkdir(parents=True, exist_ok=True)
    with lock.held(folder.with_suffix(".lock"), wait=True):
        if not program.exists():
            _unpack(bench, folder)
    return program


def _unpack(bench: Bench, folder: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise NotRunError("no promtool on this machine, and no Debian package to take it from")
    done = bench.run("apt-get", "download", "-qq", PACKAGE, folder=folder)
    if done.returncode != 0 and os.geteuid() == 0:  # lists may never have been read here
        bench.run("apt-get", "update", "-qq")
        done = bench.run("apt-get", "download", "-qq", PACKAGE, folder=folder)
    packages = sorted(folder.glob(f"{PACKAGE}_*.deb"))
    if done.returncode != 0 or not packages:
        raise NotRunError(f"Debian's package {PACKAGE} could not be downloaded")
    done = bench.run("dpkg-deb", "--extract", packages[-1], folder)
    for package in packages:
        package.unlink()
    if done.returncode != 0:
        raise NotRunError(f"Debian's package {PACKAGE} could not be unpacked")
