"""The path of one call, with every part real."""

from house.house import House

RECEIPT = "dev.mcp-in-production/audit"


async def test_a_granted_call_is_answered_with_its_receipt(home: House) -> None:
    response = await home.call("numbers_add_numbers", {"numbers": [1, 2, 3]})
    body = response.json()
    assert response.status_code == 200, body
    assert body["id"] == 7
    assert body["result"]["structuredContent"] == {"total": 6, "who": "ana"}
    assert body["result"]["_meta"][RECEIPT]
    intent, outcome = await home.records(person="ana", tool="add_numbers")
    assert (intent["kind"], outcome["kind"]) == ("intent", "outcome")
    assert intent["rid"] == outcome["rid"]
    assert outcome["status"] == "ok"
    assert outcome["agent"] == "mcp-dev-cli"
