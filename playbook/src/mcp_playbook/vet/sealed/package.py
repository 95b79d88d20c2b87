"""Puts a package into a folder of its own without running anything of it, and finds its command.

npm's install scripts stay off and pip takes wheels alone: what is built on installation would run
on this machine with the network there.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import Distribution
from pathlib import Path

from mcp_playbook.vet.collect.client import answer
from mcp_playbook.vet.collect.npm import npm_command, wheel_folder
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.sealed.seal import Command, interpreter
from mcp_playbook.vet.subject import Subject


def installed(subject: Subject, folder: Path, *, entry: str | None = None) -> Command:
    """The command of the installed package; `entry` names one where there are several.

    Raises:
        NotHadError: it cannot be installed so, or has no command.

    """
    return (_npm if subject.kind == "npm" else _pypi)(subject, folder, entry)


def _npm(subject: Subject, folder: Path, entry: str | None) -> Command:
    wanted = f"{subject.name}@{subject.version}" if subject.version else subject.name
    code, _, error = answer(
        [
            *npm_command(), "install", "--ignore-scripts", "--no-audit", "--no-fund",
            "--no-package-lock", "--prefix", str(folder), wanted,
        ],
        folder=folder,
    )  # fmt: skip
    if code != 0:
        raise NotHadError(f"npm does not install it: {_last_line(error)}")
    package = folder / "node_modules" / subject.name
    bins = json.loads((package / "package.json").read_text("utf-8")).get("bin") or {}
    if isinstance(bins, str):
        bins = {subject.name.rpartition("/")[2]: bins}
    script = (package / _chosen(bins, subject.name.rpartition("/")[2], entry)).resolve()
    if not script.is_relative_to(folder.resolve()):
        raise NotHadError("its command lies outside of the package")
    node = _node()
    return Command([str(node), str(script)], [folder, node.parent.parent])


def _node() -> Path:
    """The wheel's node, else this machine's."""
    try:
        return wheel_folder().resolve() / "bin" / "node"
    except NotHadError:
        found = shutil.which("node")
        if found is None:
            raise
        return Path(found).resolve()


def _pypi(subject: Subject, folder: Path, entry: str | None) -> Command:
    wanted = f"{subject.name}=={subject.version}" if subject.version else subject.name
    code, _, error = answer(
        [
            sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
            "--no-input", "--no-compile", "--only-binary", ":all:", "--target", str(folder), wanted,
        ]
    )  # fmt: skip
    if code != 0:
        raise NotHadError(f"pip does not install it as wheels alone: {_last_line(error)}")
    return wheel_command(folder, subject.name, entry)


def wheel_command(folder: Path, name: str, entry: str | None = None) -> Command:
    """The command that an installed wheel declares, as one line of Python.

    Raises:
        NotHadError: it declares none, or several and none of the package's name.

    """
    scripts = {
        one.name: one.value
        for file in folder.glob("*.dist-info")
        if _is_of(file, name)
        for one in Distribution.at(file).entry_points.select(group="console_scripts")
    }
    module, _, function = _chosen(scripts, name, entry).partition(":")
    code_line = (
        f"import sys, importlib; sys.argv[0] = {name!r}; "
        f"sys.exit(importlib.import_module({module.strip()!r}).{_identifier(function)}())"
    )
    env = {"PYTHONPATH": str(folder.resolve()), "PYTHONDONTWRITEBYTECODE": "1"}
    return Command([str(interpreter()), "-c", code_line], [folder], env)


def _is_of(dist_info: Path, name: str) -> bool:
    own = dist_info.name.removesuffix(".dist-info").rpartition("-")[0]
    return own.replace("_", "-").replace(".", "-").lower() == name


def _identifier(function: str) -> str:
    name = function.partition("[")[0].strip()
    if not all(piece.isidentifier() for piece in name.split(".")):
        raise NotHadError(f"its command names no function: {function!r}")
    return name


def _chosen(commands: Mapping[str, str], name: str, entry: str | None) -> str:
    wanted = entry or (next(iter(commands)) if len(commands) == 1 else name)
    if wanted not in commands:
        offered = ", ".join(sorted(commands)) or "none"
        raise NotHadError(f"which command is the server? --entry NAME; the package has: {offered}")
    return commands[wanted]


def _last_line(error: str) -> str:
    """Why a client failed, without the addresses in it."""
    lines = [line for line in error.splitlines() if line.strip()]
    words = [word for word in (lines or ["no word"])[-1].split() if "://" not in word]
    return " ".join(words)[:200]
