"""The command line that runs another command sealed off; it never runs that command bare.

`unshare` makes the namespaces (user, network, mount, process, IPC, host name); `inside` then takes
the rest away and only then becomes the command.
"""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mcp_playbook.vet.collect.outcome import NotHadError

INSIDE = Path(__file__).parent / "inside.py"
HOME = "/tmp"  # noqa: S108  of the namespace alone, empty
# what programs need to run at all; everything else of this machine is not there
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/ssl/certs",
)  # fmt: skip
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": HOME, "LANG": "C.UTF-8", "TMPDIR": HOME}
REFUSAL = (
    "a foreign server runs here only inside namespaces without network, and this machine has none: "
)


@dataclass(frozen=True)
class Command:
    """What to run, and the folders it needs to see."""

    words: Sequence[str]
    folders: Sequence[Path]
    env: Mapping[str, str] = field(default_factory=dict)


def interpreter() -> Path:
    """The Python behind this environment, outside of it."""
    return Path(sys.executable).resolve()


def sealed(command: Command, root: Path) -> list[str]:
    """The words to start. `root` is an empty folder that becomes the mount point of the new root.

    Raises:
        NotHadError: this machine has no namespaces to seal with.

    """
    unshare = shutil.which("unshare")
    if unshare is None or sys.platform != "linux":
        raise NotHadError(REFUSAL + "Linux and util-linux's unshare are needed")
    outside = [
        *(str(one.resolve()) for one in command.folders),
        str(Path(sys.base_prefix).resolve()),
    ]
    paths = [path for path in SYSTEM if Path(path).exists()]
    paths += [
        one for one in dict.fromkeys(outside) if not one.startswith("/usr/") and one != "/usr"
    ]
    order = {
        "root": str(root.resolve()),
        "paths": paths,
        "command": list(command.words),
        "env": {**command.env, **ENVIRONMENT},
    }
    return [
        unshare, "--user", "--map-root-user", "--net", "--mount", "--pid", "--ipc", "--uts",
        "--fork", "--kill-child", "--", str(interpreter()), "-I", str(INSIDE), json.dumps(order),
    ]  # fmt: skip
