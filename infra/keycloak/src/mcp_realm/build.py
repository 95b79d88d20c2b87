"""Keycloak with its build step done: database and features fixed, so that a start is a start.

Half a minute of two cores, once for each choice, kept beside the distribution.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from mcp_local import lock
from mcp_realm import distribution
from mcp_realm.distribution import KeycloakMissingError, say
from mcp_realm.java import java_home

Database = Literal["postgres", "dev-file"]
FEATURES = ("resource-indicators",)  # RFC 8707; the image of infra/images has the same
BUILD_SECONDS = 600
# C1 alone and one collector's thread: half the CPU of a start, 150 MB less, and fast enough for
# the sign-ins of one machine. kc.sh adds what Keycloak itself needs.
JAVA_OPTIONS = (
    "-Xms64m -Xmx512m -XX:MaxMetaspaceSize=256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "
    "-XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8 "
    "-Dstderr.encoding=UTF-8 -Djdk.tls.rejectClientInitiatedRenegotiation=true"
)
# a variable of the shell's owner must not become a setting, least of all an open debugger
NOT_INHERITED = ("KC_", "JAVA", "DEBUG", "KEYCLOAK_")


def built(
    root: Path,
    database: Database,
    features: Sequence[str] = FEATURES,
    report: Callable[[str], None] = say,
) -> Path:
    """A home of Keycloak that starts with `--optimized`; fetched and built where it is not.

    Raises:
        KeycloakMissingError: it cannot be had here.

    """
    home = distribution.fetched(root, report)
    java = java_home(root)
    place = distribution.folder(root) / "-".join([database, *sorted(features)])
    wanted = distribution.pin(root).sha256
    with lock.held(place.with_name(f"{place.name}.lock"), wait=True):
        stamp = place / "ready"
        if stamp.is_file() and stamp.read_text() == wanted:
            return place
        report(f"Building Keycloak for {place.name} (half a minute, once)")
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(home, place, copy_function=_linked)
        _build(place, java, database, features)
        stamp.write_text(wanted)
    return place


def _linked(source: str, target: str) -> str:
    """The libraries, 150 MB that no build writes to, are shared; all else is copied."""
    if Path(source).parts[-4:-2] == ("lib", "lib"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _build(place: Path, java: Path, database: Database, features: Sequence[str]) -> None:
    chosen = [f"--features={','.join(sorted(features))}"] if features else []
    command = [str(place / "bin" / "kc.sh"), "build", f"--db={database}", *chosen]
    try:
        done = subprocess.run(
            command, env=environment(java), check=False, capture_output=True, text=True,
            timeout=BUILD_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        shutil.rmtree(place, ignore_errors=True)
        raise KeycloakMissingError(
            f"Keycloak's build was not done after {BUILD_SECONDS} s; try again on an idle machine."
        ) from error
    if done.returncode != 0:
        words = (done.stdout + done.stderr).strip().splitlines()[-5:]
        shutil.rmtree(place, ignore_errors=True)
        raise KeycloakMissingError("Keycloak's build failed:\n" + "\n".join(words))


def environment(java: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What every kc.sh gets: this Java, little memory, and nothing that is not said here."""
    kept = {
        name: value
        for name, value in environ.items()
        if not any(name.startswith(prefix) for prefix in NOT_INHERITED)
    }
    return {**kept, "JAVA_HOME": str(java), "JAVA_OPTS": JAVA_OPTIONS, "KC_DEBUG": "false"}
