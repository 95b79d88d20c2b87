"""The page about clients names what was run, and tests that are there."""

import re
from pathlib import Path

import pytest
from clients import node

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "playbook" / "clients.md").read_text("utf-8")
PROGRAMS = {
    "Claude Code": ("claude-code", "@anthropic-ai/claude-code"),
    "Codex": ("codex", "@openai/codex"),
    "MCP Inspector": ("inspector", "@modelcontextprotocol/inspector"),
    "TypeScript SDK, `@modelcontextprotocol/client`": (
        "typescript-sdk",
        "@modelcontextprotocol/client",
    ),
    "TypeScript SDK, `@modelcontextprotocol/sdk`": ("typescript-sdk", "@modelcontextprotocol/sdk"),
}


def versions() -> dict[str, str]:
    """By program, the version in its row of the first table."""
    rows = re.findall(r"^\| ([^|]+?) \| (\d[\w.]*) \|", PAGE, re.MULTILINE)
    return dict(rows)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_page_names_the_version_that_is_run(program: str) -> None:
    assert versions()[program] == node.version(*PROGRAMS[program])


def test_the_page_names_the_python_sdk_that_is_locked() -> None:
    locked = re.search(
        r"^mcp==([\d.]+)", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE
    )
    assert locked is not None
    assert versions()["Python SDK, `mcp`"] == locked[1]


def test_every_row_of_what_is_missing_names_tests_that_are_there() -> None:
    table = PAGE.partition("## What an older client")[2].partition("\n\n**")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "held by" not in line]
    assert len(rows) == 8
    for row in rows:
        named = re.findall(r"`(tests/[^`]+)`", row.split("|")[-2])
        assert named, row
        assert all((ROOT / name).exists() for name in named), row


@pytest.mark.parametrize("name", sorted(path.name for path in node.LOCKS.iterdir()))
def test_a_lock_pins_every_package_by_its_content_and_names_no_registry(name: str) -> None:
    text = (node.LOCKS / name / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in text
    assert text.count('"integrity"') == len(re.findall(r'^    "node_modules/', text, re.MULTILINE))
