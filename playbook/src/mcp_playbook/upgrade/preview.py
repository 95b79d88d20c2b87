"""What a version changes of rights, tool definitions and settings: two trees, compared.

Run as a process with the new version's own code (`python -m mcp_playbook.upgrade.preview`), so
that it also shows whether that code can read the files which stay yours.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import Config, ConfigError, Listed
from mcp_gateway.definitions import catalogue
from mcp_gateway.definitions.catalogue import Pinned
from mcp_gateway.rights import policy
from mcp_gateway.rights.reload import differences

CONFIG = Path("gateway", "gateway.yaml")
ROOMS = ("shared", "gateway", "servers/*", "infra/*", "infra/sandbox/*", "playbook")
SECONDS = 60


@dataclass
class Preview:
    policy_before: str = ""
    policy_after: str = ""
    rights: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def of(root: Path, tree: Path) -> Preview:
    """Asked of a process that imports from `tree`; one that cannot answer is a problem."""
    sources = [str(found) for room in ROOMS for found in sorted(tree.glob(f"{room}/src"))]
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    command = [sys.executable, "-m", "mcp_playbook.upgrade.preview", str(root), str(tree)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [*sources, *inherited]))}
    try:
        done = subprocess.run(
            command, env=env, cwd=root, check=False, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Preview(problems=[f"That version's code took over {SECONDS} s to read the files."])
    try:
        return Preview(**json.loads(done.stdout))
    except (ValueError, TypeError):
        words = (done.stderr or done.stdout).strip()[-2000:]
        return Preview(problems=[f"That version's code cannot compare the files: {words}"])


def compare(root: Path, tree: Path) -> Preview:
    found = Preview()
    try:
        before, after = _read(root, root), _read(root, tree)
    except (ConfigError, OSError) as error:
        found.problems.append(f"That version cannot read these files: {error}")
        return found
    found.policy_before, found.policy_after = before.policy.version, after.policy.version
    found.rights += differences(before.policy, after.policy)
    found.tools += definitions(before.pinned, after.pinned)
    found.settings += _settings(before.config, after.config)
    return found


@dataclass(frozen=True)
class _Tree:
    config: Config
    policy: policy.Policy
    pinned: Mapping[str, Pinned]


def _read(root: Path, tree: Path) -> _Tree:
    config = settings.load(tree / CONFIG)
    listed = settings.servers(_placed(config, root, tree), tree / CONFIG)
    agents = tree / "gateway" / "agents.yaml"
    found = policy.load(listed, agents, config.limits.timeout)
    return _Tree(config, found, catalogue.load(listed).servers)


def _placed(config: Config, root: Path, tree: Path) -> Config:
    """A server outside the clone lies where it lay: its path was meant from the clone."""
    listed = []
    for one in config.servers:
        if settings.SERVER_NAME.fullmatch(one.path):
            listed.append(one)
            continue
        folder = (root / one.path).resolve()
        inside = folder.is_relative_to(root.resolve())
        placed = tree / folder.relative_to(root.resolve()) if inside else folder
        listed.append(Listed(path=str(placed), resource=one.resource))
    return config.model_copy(update={"servers": listed})


def definitions(before: Mapping[str, Pinned], after: Mapping[str, Pinned]) -> Iterator[str]:
    for server in sorted({*before, *after}):
        old, new = before.get(server), after.get(server)
        if old is None or new is None:
            yield f"server {server}: {'listed' if old is None else 'no longer listed'}"
            continue
        for kind, was, now in (
            ("tool", old.tools, new.tools),
            ("prompt", old.prompts, new.prompts),
        ):
            for name in sorted({*was, *now}):
                one, other = was.get(name), now.get(name)
                if one is None or other is None:
                    yield f"{kind} {server}_{name}: {'added' if one is None else 'removed'}"
                elif one["hash"] != other["hash"]:
                    yield f"{kind} {server}_{name}: changed ({', '.join(_parts(one, other))})"


def _parts(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    every = {*one, *other} - {"hash"}
    return sorted(part for part in every if one.get(part) != other.get(part))


def _settings(before: Config, after: Config) -> Iterator[str]:
    old, new = _flat(before.model_dump(mode="json")), _flat(after.model_dump(mode="json"))
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield f"gateway.yaml: {key}: {old.get(key)} → {new.get(key)}"


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, one in value.items():
        if isinstance(one, Mapping):
            found |= _flat(one, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = one
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(compare(Path(sys.argv[1]), Path(sys.argv[2])))))
