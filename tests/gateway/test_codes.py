"""Which numbers an answer may carry is not ours to invent (JSON-RPC 2.0; protocol 2026-07-28)."""

import ast
from pathlib import Path

import mcp_gateway

SOURCES = Path(mcp_gateway.__file__).parent
JSON_RPC = {-32700, -32600, -32601, -32602, -32603}
PROTOCOL = {-32020, -32021, -32022}
RESERVED = range(-32768, -31999)


def numbers() -> set[int]:
    """Every negative number that stands in the gateway's sources."""
    return {
        -node.operand.value
        for file in SOURCES.rglob("*.py")
        if "audit" not in file.relative_to(SOURCES).parts  # its arithmetic answers nobody
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.UnaryOp)
        and isinstance(node.op, ast.USub)
        and isinstance(node.operand, ast.Constant)
        and isinstance(node.operand.value, int)
    }


def test_of_the_reserved_codes_only_those_that_have_a_meaning_are_used() -> None:
    assert {code for code in numbers() if code in RESERVED} == JSON_RPC | PROTOCOL


def test_our_own_codes_lie_outside() -> None:
    ours = {code for code in numbers() if code < -1000 and code not in RESERVED}
    assert ours
    assert all(-31999 < code <= -31400 for code in ours)
