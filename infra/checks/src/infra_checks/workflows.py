"""What the repository's host reads: workflows, the update bot, issue forms, the devcontainer.

Linted offline. That an action's commit is the one its comment names, only the host can say.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra_checks.bench import Bench, complaints
from infra_checks.check import Check, Ran

FOLDER, FORMS = Path(".github/workflows"), Path(".github/ISSUE_TEMPLATE")
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*(?P<what>\S+)(?P<comment>.*)$")
PINNED = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40}")
VERSION = re.compile(r"\s+# v\d+\.\d+\.\d+")
COMMAND = re.compile(r"(?:^|[\s;&|(])make ([a-z][a-z0-9-]*)")
TARGET = re.compile(r"^([a-z][a-z0-9 -]*):(?!=)", re.MULTILINE)


def files(bench: Bench) -> list[Path]:
    return sorted((bench.root / FOLDER).glob("*.yml"))


def actionlint(bench: Bench) -> Ran:
    tool, shell = bench.tool("actionlint"), bench.tool("shellcheck")
    done = bench.run(tool, "-oneline", "-shellcheck", shell, *files(bench))
    versions = (bench.said(tool, "-version"),)
    return Ran(f"{len(files(bench))} workflows", versions, complaints(done))


def zizmor(bench: Bench) -> Ran:
    tool = bench.tool("zizmor")
    done = bench.run(
        tool, "--offline", "--no-progress", "--persona=pedantic", "--format=plain", *files(bench)
    )
    return Ran(f"{len(files(bench))} workflows", (bench.said(tool, "--version"),), complaints(done))


def schemas(bench: Bench) -> Ran:
    tool = bench.tool("check-jsonschema")
    every: dict[str, list[Path]] = {
        "vendor.github-workflows": files(bench),
        "custom.github-workflows-require-timeout": files(bench),
        "vendor.renovate": [bench.root / "renovate.json"],
        "vendor.github-issue-forms": sorted((bench.root / FORMS).glob("*.yml")),
    }
    found: list[str] = []
    for schema, there in every.items():
        found += complaints(bench.run(tool, "--builtin-schema", schema, *there))
    looked = sum(len(there) for there in every.values()) - len(files(bench))
    return Ran(f"{looked} files", (bench.said(tool, "--version"),), tuple(found))


def devcontainer(bench: Bench) -> Ran:
    tool, folder = bench.tool("hadolint"), bench.root / ".devcontainer"
    done = bench.run(tool, "--failure-threshold", "info", folder / "Dockerfile")
    found = list(complaints(done))
    told = json.loads((folder / "devcontainer.json").read_text("utf-8"))
    if not (folder / told["build"]["dockerfile"]).is_file():
        found.append(".devcontainer/devcontainer.json: builds from a file that is not there")
    found += [
        f".devcontainer/devcontainer.json: port {port} may be forwarded as another"
        for port in loose_ports(told)
    ]
    return Ran(".devcontainer", (bench.said(tool, "--version"),), tuple(found))


def loose_ports(told: dict[str, Any]) -> list[int]:
    """Ports are part of the stack's identity: one that is forwarded as another is of no use."""
    attributes = told["portsAttributes"]
    return [
        p for p in told["forwardPorts"] if not attributes.get(str(p), {}).get("requireLocalPort")
    ]


def pins(bench: Bench) -> Ran:
    """Every action at a commit, with the version it is said to be; one commit for each action."""
    found: list[str] = []
    commits: dict[str, str] = {}
    count = 0
    for path in files(bench):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if (used := USES.match(line)) is None or used["what"].startswith("./"):
                continue
            count += 1
            found += [f"{bench.shown(path)}:{number}: {why}" for why in _wrong(used, commits)]
    return Ran(f"{count} uses of {len(commits)} actions", findings=tuple(found))


def _wrong(used: re.Match[str], commits: dict[str, str]) -> Iterator[str]:
    if not PINNED.fullmatch(used["what"]):
        yield f"{used['what']} is not at a commit of 40 digits"
        return
    if not VERSION.match(used["comment"]):
        yield f"{used['what']}: no comment names its version (# v1.2.3)"
    action, _, commit = used["what"].partition("@")
    if commits.setdefault(action, commit) != commit:
        yield f"{action} is at two commits, {commits[action]} and {commit}"


def targets(bench: Bench) -> Ran:
    """`make` in a workflow names what the Makefile has."""
    named = TARGET.findall((bench.root / "Makefile").read_text("utf-8"))
    known = {word for names in named for word in names.split()}
    asked: dict[str, str] = {}
    for path in files(bench):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for target in COMMAND.findall(line.partition("#")[0].partition("name:")[0]):
                asked.setdefault(target, f"{bench.shown(path)}:{number}")
    missing = tuple(
        f"{where}: the Makefile has no {target}"
        for target, where in asked.items()
        if target not in known
    )
    return Ran(f"{len(asked)} targets", findings=missing)


CHECKS = (
    Check("actionlint", "syntax, expressions and shell hold; nothing was run", actionlint),
    Check("zizmor", "no known weakness: permissions, injection, credentials, caches", zizmor),
    Check("check-jsonschema", "every key is one the host or the bot knows; jobs end", schemas),
    Check("devcontainer", "its Dockerfile lints, its ports keep their numbers", devcontainer),
    Check("pins", "each action is at one commit, and says which version that is", pins),
    Check("targets", "a workflow calls only commands that a developer has, too", targets),
)
