"""`make call`: the answer a model would read, or what to do."""

from mcp_playbook.call import call, shown
from mcp_playbook.deployment import Deployment


async def test_an_answer_is_shown_as_the_tool_structured_it(at: Deployment) -> None:
    probe = at.one_each()[0]
    reply = await call(at, probe.person, f"{probe.server}_{probe.tool}", probe.arguments)
    assert reply.works, reply.brief()
    assert shown(reply).startswith("{\n")


async def test_a_wrong_argument_is_shown_in_the_words_a_model_reads(at: Deployment) -> None:
    probe = at.one_each()[0]
    reply = await call(at, probe.person, f"{probe.server}_{probe.tool}", {"no_such": 1})
    assert "no_such" in shown(reply)


async def test_a_missing_right_reads_like_a_missing_tool(at: Deployment) -> None:
    hidden = next(probe for probe in at.probes if probe.expect == "refused")
    reply = await call(at, hidden.person, f"{hidden.server}_{hidden.tool}", hidden.arguments)
    nobody = await call(at, hidden.person, "no_such_tool", {})
    assert shown(reply) == shown(nobody)
