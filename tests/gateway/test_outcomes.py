"""Every code that the gateway knows is a failure, a refusal, or an error the caller can mend."""

import ast
from itertools import combinations
from pathlib import Path

import pytest
from architecture.tree import ROOT

from mcp_gateway.call import Answer, Status
from mcp_gateway.rights.policy import Family
from mcp_gateway.telemetry.outcomes import FAILED, KNOWN, MENDABLE, OTHER, REFUSED, error, outcome
from mcp_shared.faults import Fault

SOURCE = ROOT / "gateway" / "src" / "mcp_gateway"
# where the code stands in a call of these
CODE_AT = {"Refusal": 0, "unavailable": 0, "failed": 1}
WITHOUT_A_CODE = {"ok", "tool_error", "failed", "cancelled", "unknown", "refused"}


def codes(path: Path) -> set[str]:
    """Every text that a file gives a refusal or an answer as its code."""
    tree = ast.parse(path.read_text("utf-8"))
    named = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            at = CODE_AT.get(node.func.id)
            found += node.args[at : at + 1] if at is not None else []
            if node.func.id == "Answer":
                found += [one.value for one in node.keywords if one.arg == "reason"]
    texts = [one.value for one in found if isinstance(one, ast.Constant)]
    texts += [named[one.id] for one in found if isinstance(one, ast.Name) and one.id in named]
    return {text for text in texts if isinstance(text, str) and text}


def all_codes() -> set[str]:
    found = set[str]().union(*(codes(path) for path in SOURCE.rglob("*.py")))
    families: tuple[Family, ...] = ("tool", "prompt", "resource")
    return found | {f"unknown_{family}" for family in families}


def test_every_code_in_the_source_is_one_of_them() -> None:
    """A new code that nobody classified would read `_OTHER` and burn no budget."""
    assert {"circuit_open", "rate_limited", "too_many_refused", "caller_gone"} <= all_codes()
    assert not all_codes() - KNOWN


def test_no_code_is_two_of_them() -> None:
    for one, other in combinations((FAILED, REFUSED, MENDABLE), 2):
        assert not one & other


def test_every_fault_of_a_tool_is_known() -> None:
    faults: list[type[Fault]] = [Fault, *Fault.__subclasses__()]
    assert {one.code for one in faults} <= KNOWN


@pytest.mark.parametrize(
    ("status", "reason", "word", "named"),
    [
        ("ok", "", "ok", None),
        ("ok", "input_required", "ok", None),
        ("tool_error", "not_found", "tool_error", "not_found"),
        ("tool_error", "unavailable", "failed", "unavailable"),
        ("tool_error", "somebody_elses_word", "tool_error", OTHER),
        ("failed", "-32602", "tool_error", "-32602"),
        ("failed", "-31999", "tool_error", OTHER),
        ("failed", "answer_too_large", "tool_error", "answer_too_large"),
        ("failed", "server_unavailable", "failed", "server_unavailable"),
        ("unknown", "timed_out", "failed", "timed_out"),
        ("unknown", "server_failed", "failed", "server_failed"),
        ("refused", "unknown_tool", "refused", "unknown_tool"),
        ("refused", "rate_limited", "refused", "rate_limited"),
        ("refused", "ledger_unavailable", "failed", "ledger_unavailable"),
        ("refused", "limiter_unavailable", "failed", "limiter_unavailable"),
        ("cancelled", "caller_gone", "cancelled", "caller_gone"),
        ("cancelled", "gateway_ended", "failed", "gateway_ended"),
    ],
)
def test_how_a_call_ended_is_told_by_status_and_code(
    status: Status, reason: str, word: str, named: str | None
) -> None:
    answer = Answer(status=status, reason=reason)
    assert (outcome(answer), error(answer)) == (word, named)
