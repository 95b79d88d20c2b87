"""`python -m in_image.start -m MODULE …`: hands over secrets that are files, then runs the module.

A file in /run/secrets named like a variable becomes that variable, of this process alone: it is
neither in the container's configuration nor in /proc. Any other file there is a key, and is copied
where the gateway expects its keys, readable by nobody else.
"""

import os
import re
import runpy
import shutil
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

SECRETS = Path("/run/secrets")
KEYS = Path("/run/mcp/secrets")  # memory: a tmpfs of this container
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
UNUSABLE = 2  # exit code


class UnusableError(Exception):
    """A secret that cannot be handed over; the text names it and never says what it is."""


def hand_over(secrets: Path, keys: Path, environ: MutableMapping[str, str]) -> None:
    for file in sorted(secrets.iterdir()) if secrets.is_dir() else ():
        if file.name.startswith(".") or not file.is_file():
            continue  # the folders and links that Kubernetes puts beside its files
        if VARIABLE.fullmatch(file.name):
            _variable(file, environ)
        else:
            _key(file, keys)


def _variable(file: Path, environ: MutableMapping[str, str]) -> None:
    if file.name in environ:
        raise UnusableError(f"{file.name} is in the environment and in {file.parent}; keep one")
    try:
        value = file.read_text("utf-8").rstrip("\n")
    except (OSError, ValueError) as error:
        raise UnusableError(f"{file}: cannot be read: {type(error).__name__}") from error
    if not value or "\0" in value:
        raise UnusableError(f"{file}: is empty, or no text")
    environ[file.name] = value


def _key(file: Path, keys: Path) -> None:
    target = keys / file.name
    try:
        keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with (
            file.open("rb") as content,
            os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
        ):
            shutil.copyfileobj(content, out)
    except OSError as error:
        raise UnusableError(f"{file}: cannot be copied to {keys}: {error.strerror}") from error


def main(arguments: Sequence[str]) -> None:
    if len(arguments) < 2 or arguments[0] != "-m":
        sys.stderr.write("start: -m MODULE is needed, such as -m mcp_gateway\n")
        sys.exit(UNUSABLE)
    os.umask(0o077)
    try:
        hand_over(SECRETS, KEYS, os.environ)
    except UnusableError as error:
        sys.stderr.write(f"start: {error}\n")
        sys.exit(UNUSABLE)
    sys.argv = list(arguments[1:])
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
