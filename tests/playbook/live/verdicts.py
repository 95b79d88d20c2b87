"""What a check says of a deployment, in a test's words."""

from mcp_playbook.checks.check import Check, Outcome
from mcp_playbook.checks.run import outcome
from mcp_playbook.deployment import Deployment


async def passes(check: Check, at: Deployment) -> Outcome:
    found = await outcome(check, at)
    assert found.state == "pass", f"{check.id}: {found.state}: {found.evidence} → {found.do}"
    return found


async def fails(check: Check, at: Deployment, *words: str) -> Outcome:
    """It fails, for the reason the test has made, and says what to do."""
    found = await outcome(check, at)
    assert found.state == "fail", f"{check.id}: {found.state}: {found.evidence}"
    assert "the check itself broke" not in found.evidence, found.evidence
    assert found.do
    for word in words:
        assert word in found.evidence, f"{check.id}: {word!r} is not in {found.evidence!r}"
    return found


async def waits(check: Check, at: Deployment, *words: str) -> Outcome:
    """Not yet, with what is missing and what would supply it."""
    found = await outcome(check, at)
    assert found.state == "not yet", f"{check.id}: {found.state}: {found.evidence}"
    assert found.do
    for word in words:
        assert word in found.evidence, f"{check.id}: {word!r} is not in {found.evidence!r}"
    return found
