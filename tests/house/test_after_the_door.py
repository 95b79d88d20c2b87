"""A call that was let in: its arguments, its limits, its token, its own answer.

On tools/call a no is a tool error the model reads, and on the record.
"""

import json

from house.asks import GOOD, body_of, tool_error
from house.house import House
from house.wire import Wire


async def test_every_wrong_argument_is_named_in_one_answer_and_nothing_is_sent(
    home: House,
) -> None:
    response = await home.call(
        GOOD["name"], {"numbers": [1, 12, "x"], "styel": "roman", "style": "romn"}
    )
    text, _ = tool_error(response)
    assert text.startswith("The arguments of numbers_add_numbers have 4 problems")
    problems = response.json()["result"]["_meta"]["dev.mcp-in-production/problems"]
    assert {problem["path"] for problem in problems} == {
        "$.numbers.1", "$.numbers.2", "$.styel", "$.style",
    }  # fmt: skip
    assert not home.server.calls
    intent, outcome = await home.records(tool="add_numbers")
    assert (intent["kind"], outcome["kind"]) == ("intent", "outcome")
    assert (outcome["status"], outcome["reason"]) == ("tool_error", "invalid_arguments")


async def test_arguments_reach_the_server_byte_for_byte(home: House) -> None:
    raw = b'{"numbers" : [1,2],"style":"pl\\u0061in"}'
    body = body_of().replace(json.dumps(GOOD["arguments"]).encode(), raw)
    wire = await Wire(home.gateway, home.headers("tools/call", name=GOOD["name"]), [body]).run()
    assert wire.document["result"]["structuredContent"]["total"] == 3
    ((_, sent),) = home.server.seen
    assert raw in sent


async def test_the_third_call_of_a_contractor_is_limited(home: House) -> None:
    for _ in range(2):
        assert (await home.call(GOOD["name"], GOOD["arguments"], person="dee")).json()["result"]
    limited = await home.call(GOOD["name"], GOOD["arguments"], person="dee")
    text, said = tool_error(limited)
    assert "too many calls of numbers_add_numbers" in text
    assert said["code"] == "rate_limited"
    assert 25 < said["retryAfter"] <= 30
    assert len(home.server.calls) == 2
    (record,) = await home.records(person="dee", kind="refusal")
    assert (record["decision"], record["status"]) == ("limit", "refused")
    # ana has the wider rate of her role
    assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]["structuredContent"]


async def test_what_the_policy_redacts_is_not_in_the_record_of_a_call_or_of_a_refusal(
    home: House,
) -> None:
    arguments = {"number": 3, "idempotency_key": "key-00001", "note": "the vault is open"}
    assert (await home.call("numbers_note_number", arguments)).json()["result"]
    await home.call("numbers_note_number", arguments, person="dee")
    records = await home.records(tool="note_number")
    assert [one["kind"] for one in records] == ["intent", "outcome", "refusal"]
    assert "vault" not in json.dumps(records)
    assert records[0]["args"]["number"] == 3
    assert records[2]["args"]["note"]["redacted"] == "policy"
