"""P07: configuration is data. It starts nothing, fills nothing in, and a wrong key stops the start."""

import asyncio
import itertools
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from house.house import write_folder
from people import Issuer

from mcp_gateway.app import build
from mcp_gateway.configuration import plain_yaml
from mcp_gateway.configuration.plain_yaml import NotPlainError
from mcp_gateway.configuration.settings import ConfigError, Settings

LEVELS = "abcdefghij"
LAUGHS = "a: &a [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
    for below, name in itertools.pairwise(LEVELS)
)
MERGES = "a: &a {k: ha}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{below}'] * 9)}]}}\n"
    for below, name in itertools.pairwise(LEVELS)
)
EVIL = {
    "a call by tag": "a: !!python/object/apply:os.system ['touch {mark}']",
    "a call by new": "a: !!python/object/new:subprocess.Popen [['touch', '{mark}']]",
    "a name by tag": "a: !!python/name:os.system",
    "a module by tag": "a: !!python/module:os",
    "a tag of one's own": "a: !ENV ${HOME}",
    "an include": "a: !include /etc/passwd",
    "a bomb of aliases": LAUGHS,
    "a bomb of merges": MERGES,
    "itself inside": "&a [*a]",
    "nested deeply": "[" * 20_000,
    "a long number": "a: " + "9" * 10_000,
    "no number": "a: !!int nine",
    "no date": "a: 2026-13-45",
    "no time": "a: !!timestamp soon",
    "no truth": "a: !!bool perhaps",
    "no set": "a: !!set [x, y]",
    "no mapping": "a: !!map x",
    "a list as key": "? [x]\n: y",
    "a key twice": "a: 1\na: 2",
    "a key twice inside": "a: {b: 1, b: 2}",
    "two documents": "a: 1\n---\na: 2",
    "a NUL": "a: \0",
    "larger than anyone writes": "a: " + "x" * plain_yaml.MAX_BYTES,
}


@pytest.mark.parametrize("evil", EVIL)
def test_p07_evil_yaml_is_refused_soon_and_does_nothing(tmp_path: Path, evil: str) -> None:
    mark, file = tmp_path / "mark", tmp_path / "file.yaml"
    file.write_text(EVIL[evil].replace("{mark}", str(mark)))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(NotPlainError):
        plain_yaml.load(file)
    assert time.monotonic() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024  # KiB
    assert not mark.exists()


def test_p07_what_is_no_file_is_refused_as_well(tmp_path: Path) -> None:
    with pytest.raises(NotPlainError, match="cannot be read"):
        plain_yaml.load(tmp_path)
    with pytest.raises(NotPlainError, match="no such file"):
        plain_yaml.load(tmp_path / "missing.yaml")


def test_p07_nothing_of_the_environment_is_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "filled-in")
    file = tmp_path / "file.yaml"
    file.write_text("a: ${CANARY}\nb: $CANARY\nc: '%CANARY%'\nd: '{{CANARY}}'\ne: '{CANARY}'\n")
    assert "filled-in" not in repr(plain_yaml.load(file))


WRONG = {
    "gateway/gateway.yaml": [
        ("servers: [numbers]", "servers: [numbers]\naudit: best-effort", "audit"),
        ("servers: [numbers]", "servers: [numbers]\nlimits: {fail_open: true}", "limits.fail_open"),
        ("servers: [numbers]", "servers: [{path: numbers, command: sh}]", "servers.0.command"),
        ("issuer:", "issuer_url:", "issuer_url"),
        ("servers: [numbers]", "servers: [numbers]\nservers: [numbers]", "'servers' is given twice"),
    ],
    "gateway/agents.yaml": [
        ("agents:", "default: allow\nagents:", "default"),
        ("may: [read, write]", "may: [read, write, admin]", "agents.mcp-dev-cli.may.2"),
        ('tools: ["*"]', 'tools: ["*"], roles: [operator]', "agents.mcp-dev-cli.roles"),
        ('tools: ["*"]', 'tools: ["*"], tools: ["*"]', "'tools' is given twice"),
    ],
    "servers/numbers/policy.yaml": [
        ("tools:", "default: allow\ntools:", "default"),
        ("roles: [analyst, contractor]", "roles: []", "tools.add_numbers.roles"),
        ("roles: [analyst, contractor]", "role: [analyst]", "tools.add_numbers.role"),
        ("kind: write", "kind: admin", "tools.note_number.kind"),
        ("kind: write", "kind: write, kind: read", "'kind' is given twice"),
        ("rate: 1000/minute", "rate: unlimited", "tools.add_numbers.rate"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
async def test_p07_an_unknown_or_doubled_key_stops_the_start_and_is_named(
    tmp_path: Path, issuer: Issuer, name: str
) -> None:
    made = await write_folder(tmp_path / "house", issuer)
    build(made)
    file = tmp_path / "house" / name
    right = file.read_text()
    for good, wrong, told in WRONG[name]:
        assert good in right
        file.write_text(right.replace(good, wrong, 1))
        with pytest.raises(ConfigError) as refused:
            build(made)
        assert str(file) in str(refused.value)
        assert told in str(refused.value), refused.value
    file.write_text(right)
    build(made)


async def test_p07_the_command_says_it_in_lines_and_ends_with_2(
    tmp_path: Path, issuer: Issuer
) -> None:
    made: Settings = await write_folder(tmp_path / "house", issuer)
    made.config.write_text("publik_url: x\nissuer: http://localhost:1/realms/mcp\nservers: {}\n")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "mcp_gateway", "--check"],
        env={"GATEWAY_CONFIG": str(made.config), "GATEWAY_KEYS": str(made.keys)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert all(line.startswith(f"{made.config}: ") for line in lines), done.stderr
    assert [line.split(": ")[1] for line in lines] == ["public_url", "servers", "publik_url"]


def test_p07_the_files_of_this_repository_are_plain() -> None:
    root = Path(__file__).parents[2]
    files = [*root.glob("gateway/*.yaml"), *root.glob("servers/*/policy.yaml")]
    assert len(files) > 3
    for file in files:
        assert json.dumps(plain_yaml.load(file))
