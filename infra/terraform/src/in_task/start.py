"""`python -c THIS PROGRAM…`: puts secrets where the program looks for them, then becomes it.

ECS hands secrets over as variables SECRET_*. The programs want addresses with a login in them, and
keys as files of their own. Values may hold {secret:SECRET_X}, {task} and {python}; whatever began
with SECRET_ or FILE_ is gone from the environment when the program starts. Files lie in memory.
"""

import base64
import binascii
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

FOLDER = Path("/dev/shm/mcp")  # noqa: S108  memory of this task alone; the root file system is read-only
SECRET = re.compile(r"\{secret:(SECRET_[A-Z0-9_]+)\}")
METADATA_SECONDS = 2.0
UNUSABLE = 78  # EX_CONFIG: the scheduler's log shows it apart from the program's own codes


class UnusableError(Exception):
    """What is missing, by name; never a value."""


def environment(given: Mapping[str, str], task: str) -> dict[str, str]:
    """What the program gets: placeholders filled, the parts they were filled from left out."""

    def secret(name: str, key: str) -> str:
        if not given.get(name):
            raise UnusableError(f"{key} needs {name}, which is empty or not there")
        return given[name]

    def filled(key: str, value: str) -> str:
        if whole := SECRET.fullmatch(value):
            return secret(whole[1], key)
        # inside an address: a character of a password must not end it early
        value = SECRET.sub(lambda found: quote(secret(found[1], key), safe=""), value)
        return value.replace("{task}", task)

    return {
        key: filled(key, value)
        for key, value in given.items()
        if not key.startswith(("SECRET_", "FILE_")) and key != "START_FILES"
    }


def files(given: Mapping[str, str]) -> dict[str, bytes]:
    """START_FILES is {path: variable}; `variable:base64` where the file holds bytes."""
    try:
        wanted: dict[str, str] = json.loads(given.get("START_FILES", "{}"))
    except ValueError as error:
        raise UnusableError(f"START_FILES is no JSON object of names: {error}") from error
    found = {}
    for path, source in wanted.items():
        name, _, form = source.partition(":")
        if not given.get(name):
            raise UnusableError(f"{path} needs {name}, which is empty or not there")
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise UnusableError(f"{path} would lie outside {FOLDER}")
        try:
            found[path] = (
                base64.b64decode(given[name], validate=True)
                if form == "base64"
                else given[name].encode()
            )
        except binascii.Error as error:
            raise UnusableError(f"{path}: {name} is not base64") from error
    return found


def write(contents: Mapping[str, bytes], folder: Path) -> None:
    """Each file readable by its owner alone, in folders that are, too."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)


def task_id(given: Mapping[str, str]) -> str:
    """The task's own id, so that a record says which replica wrote it."""
    base = given.get("ECS_CONTAINER_METADATA_URI_V4", "")
    if not base.startswith("http://169.254.170.2/"):  # the agent's address, and no other
        return os.uname().nodename
    with urllib.request.urlopen(f"{base}/task", timeout=METADATA_SECONDS) as answer:  # noqa: S310  checked above
        arn: str = json.load(answer)["TaskARN"]
    return arn.rpartition("/")[2]


def main() -> None:
    given = dict(os.environ)
    try:
        task = task_id(given)
        program = environment(given, task)
        write(files(given), FOLDER)
    except (UnusableError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"start: {error}\n")
        sys.exit(UNUSABLE)
    command = [sys.executable if word == "{python}" else word for word in sys.argv[1:]]
    os.umask(0o077)
    os.execvpe(command[0], command, program)  # noqa: S606  no shell: the words of the task definition


if __name__ == "__main__":
    main()
