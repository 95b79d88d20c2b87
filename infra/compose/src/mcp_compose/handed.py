"""The stack in containers: its secrets, one file each, made from what the stack.toml files ask for.

The folder is closed to everybody else; the files in it are not, because a container's user is
another one than whoever started it, and sees no more of them than its service lists.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mcp_compose.addresses import Inside
from mcp_gateway.audit import keys
from mcp_local.private_ca import issue
from mcp_local.secret_files import KEYS
from mcp_local.trust import Authority

SECRET = re.compile(r"\{(secret|postgres|postgres_admin|redis)[:}]")
FOLDER_MODE, FILE_MODE = 0o700, 0o444


class ClashError(RuntimeError):
    """Two parts ask for one variable with two secrets in it: a file can hold one."""


def asked(filler: Inside) -> dict[str, str]:
    """Variable → its text in stack.toml, for every variable that holds a secret."""
    found: dict[str, str] = {}
    for name, text in _texts(filler):
        if found.setdefault(name, text) != text:
            raise ClashError(f"{name}: {found[name]!r} and {text!r}; one of them needs a new name")
    return found


def _texts(filler: Inside) -> Iterator[tuple[str, str]]:
    for part in filler.plan.parts:
        for env in (part.env, *(step.env for step in part.setup)):
            yield from ((key, text) for key, text in env.items() if SECRET.search(text))


def contents(filler: Inside) -> dict[str, bytes]:
    """File name → content; passwords and keys are made at first use and stay."""
    anybody = filler.plan.parts[0]  # a secret's placeholders are the same for every part
    texts = {**filler.mapping.secrets, **asked(filler)}
    found = {name: filler.fill(text, anybody).encode() for name, text in texts.items()}
    filler.secrets.make_keys()
    own = filler.secrets.folder
    # earlier keys stay in it, so that what they signed still verifies
    keys.publish(keys.load_private(own / keys.PRIVATE_NAME), own / keys.PUBLIC_NAME)
    return found | {name: (own / name).read_bytes() for name in (*KEYS, keys.PUBLIC_NAME)}


def certificate(authority: Authority) -> dict[str, bytes]:
    issue(authority.folder)
    shown = (authority.server_certificate, authority.server_key)
    return {file.name: file.read_bytes() for file in shown}


def write(files: dict[str, bytes], folder: Path) -> None:
    """What did not change keeps its file: a running container goes on seeing it."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    for name, content in files.items():
        file = folder / name
        if not file.exists() or file.read_bytes() != content:
            file.unlink(missing_ok=True)
            file.write_bytes(content)
        file.chmod(FILE_MODE)
    for stranger in {file.name for file in folder.iterdir()} - files.keys():
        (folder / stranger).unlink()
