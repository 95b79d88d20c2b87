"""The new server's files: filled in from the template, formatted, described and checked, aside.

Nothing is in the repository before all of that went well.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_gateway.configuration.settings import parse, read_yaml
from mcp_gateway.rights.policy_file import PolicyFile
from mcp_playbook.lint import lint
from mcp_playbook.lint.sources import accept, of_folder
from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.names import Names
from mcp_shared.contract import violations

SECONDS = 60


class BrokenError(Exception):
    """The template made something that must not be listed; the text says what."""


@dataclass(frozen=True)
class Room:
    """A new server in a folder that has the shape of the repository."""

    aside: Path
    made: Names

    @property
    def server(self) -> Path:
        return self.aside / "servers" / self.made.name

    @property
    def tests(self) -> Path:
        return self.aside / "tests" / "servers" / self.made.port


def fill(root: Path, aside: Path, made: Names, kind: Kind) -> Room:
    """The template's files under `aside`, formatted by the repository's rules."""
    values = aside / "values.json"
    values.write_text(json.dumps({**made.values(), "kind": kind.name}), "utf-8")
    template = str(root / "playbook" / "template")
    words = ["--defaults", "--quiet", "--data-file", str(values), template, str(aside)]
    _run(["copier", "copy", *words], cwd=root)
    values.unlink()
    room = Room(aside, made)
    folders = [str(room.server / "src"), str(room.tests)]
    # import order and line breaks follow from the names; as if the files were in place already
    sources = [str(path) for path in (room.server / "src", *sorted(root.glob("*/src")))]
    config = ["--config", str(root / "pyproject.toml"), "--config", f"src = {json.dumps(sources)}"]
    options = [*config, "--no-respect-gitignore", "--no-cache", "--quiet"]
    _run(["ruff", "check", "--fix", "--select", "I", *options, *folders], cwd=aside)
    _run(["ruff", "format", *options, *folders], cwd=aside)
    return room


def pin(room: Room) -> list[dict[str, Any]]:
    """Write the lock files as the server, and the vendor behind one, describe themselves."""
    path = [str(room.server / "src"), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    package = room.server / "src" / room.made.package
    if (package / "vendor.py").is_file():
        theirs = _run([f"{room.made.package}.sandbox", "--pins"], cwd=room.aside, env=env)
        (package / "vendor.lock.json").write_text(theirs, "utf-8")
    text = _run([room.made.package, "--definitions"], cwd=room.aside, env=env)
    (room.server / "tools.lock.json").write_text(text, "utf-8")
    accept(of_folder(room.server))
    tools: list[dict[str, Any]] = json.loads(text)["tools"]
    return tools


def check(room: Room, tools: Sequence[Mapping[str, Any]]) -> None:
    """The contract, the lint and the policy, before anyone can list the server.

    Raises:
        BrokenError: what is broken, tool by tool.
        ConfigError: the policy is not one.

    """
    listed = [str(tool["name"]) for tool in tools]
    broken = [f"{tool['name']}: {one}" for tool in tools for one in violations(tool, listed)]
    findings = lint(tools, name=room.made.name).findings
    broken += [f"{one.tool} {one.rule}: {one.what}. {one.instead}" for one in findings]
    file = room.server / "policy.yaml"
    policy = parse(PolicyFile, read_yaml(file), file)
    broken += [f"policy.yaml and tools differ: {x}" for x in sorted({*policy.tools} ^ {*listed})]
    if broken:
        raise BrokenError("\n".join(broken))


def _run(words: list[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, env=env,
        check=False, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise BrokenError(f"{' '.join(words[:2])}:\n{(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout
