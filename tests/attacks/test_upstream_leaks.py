"""U08: secrets in what servers answer, in every form; cut out before they are passed on or kept."""

import base64
import contextlib
import json
from typing import Any

import asyncpg
import pytest
from attacks.leaky import COUNT, FORMS, answer_with, answer_without
from attacks.upstream import failure, outcome
from house.house import RECEIPT, House
from house.wire import events

from mcp_gateway.answers.inspection import TOLD, Inspection

RECALL = 0.99
LOGS = {"_meta": {"io.modelcontextprotocol/logLevel": "debug"}}
SEEDS = (1, 2)


async def leaked(home: House, seed: int, how: str, form: str, tool: str = "look") -> Any:
    arguments = {"how": f"leak {seed} {how} {form}"}
    if form == "contents":
        return await home.post("resources/read", {"uri": f"numbers://open/leak{seed}"})
    params = {"name": f"numbers_{tool}", "arguments": arguments, **LOGS}
    return await home.post("tools/call", params)


def spelt(document: Any) -> str:
    """Every text in an answer as a reader would have it, also what is in base64."""
    if isinstance(document, dict):
        return " ".join(f"{spelt(key)} {spelt(one)}" for key, one in document.items())
    if isinstance(document, list):
        # texts that follow each other are read as one
        return "".join(spelt(one) for one in document)
    if not isinstance(document, str):
        return str(document)
    found = [document]
    for word in document.split():
        try:
            found.append(base64.b64decode(word, validate=True).decode("utf-8", "replace"))
        except ValueError:
            continue
    with contextlib.suppress(ValueError):
        found.append(spelt(json.loads(document)) if document[:1] == "{" else "")
    return "\n".join(found)


@pytest.mark.parametrize("form", FORMS)
async def test_u08_secrets_are_cut_out_of_an_answer_in_every_form(behind: House, form: str) -> None:
    missed, total = [], 0
    for seed in SEEDS:
        _, secrets = answer_with(seed, form)
        response = await leaked(behind, seed, "whole", form)
        assert "error" not in response.json()
        said = response.text + spelt(response.json()["result"])
        missed += [one for one in secrets if one in said or json.dumps(one)[1:-1] in said]
        total += len(secrets)
        kept = (await outcome(behind))["inspected"]
        assert kept["secrets"] == "redact"
        assert kept["count"] >= COUNT * RECALL
    assert 1 - len(missed) / total >= RECALL, missed


@pytest.mark.parametrize("how", ["stream", "notes", "error"])
async def test_u08_secrets_are_cut_out_wherever_a_stream_is_cut_and_of_notes_and_errors(
    behind: House, how: str
) -> None:
    _, secrets = answer_with(3, "structured")
    response = await leaked(behind, 3, how, "structured")
    assert not [one for one in secrets if json.dumps(one)[1:-1] in response.text]
    assert response.text.count("[redacted: ") >= COUNT
    if how == "notes":
        assert len(events(response.content)) == COUNT + 1


async def test_u08_what_only_looks_like_a_secret_passes_byte_for_byte(behind: House) -> None:
    for seed in (4, 5, 6):
        response = await leaked(behind, seed, "none", "-")
        result = response.json()["result"]
        assert {key: result[key] for key in ("content", "structuredContent")} == answer_without(
            seed
        )
        assert "inspected" not in await outcome(behind)


async def test_u08_the_record_has_a_commitment_to_a_secret_and_never_the_secret(
    behind: House,
) -> None:
    _, secrets = answer_with(7, "structured")
    response = await leaked(behind, 7, "whole", "structured")
    last = await outcome(behind)
    keys = behind.gateway.settings.keys
    inspection = Inspection((keys / "sealing.key").read_bytes())
    assert len(last["inspected"]["found"]) == TOLD
    for told, secret in zip(last["inspected"]["found"], secrets, strict=False):
        assert told["c"] == inspection.committed(last["rid"], secret.encode())
        assert told["c"] != Inspection(b"another key").committed(last["rid"], secret.encode())
        assert told["c"] != inspection.committed("another call", secret.encode())
    connection = await asyncpg.connect(behind.ledger_url)
    rows = await connection.fetch("SELECT body FROM audit.record")
    await connection.close()
    everything = b"\n".join(row["body"] for row in rows).decode()
    assert not [one for one in secrets if json.dumps(one)[1:-1] in everything]
    # the receipt is for what was passed on
    assert response.json()["result"]["_meta"][RECEIPT]["leaf"]


async def test_u08_a_tool_may_withhold_such_an_answer_as_a_whole(behind: House) -> None:
    _, secrets = answer_with(8, "text")
    how = "leak 8 whole text"
    text, code, status, reason = await failure(behind, "numbers_guarded", how)
    assert (code, status, reason) == ("answer_withheld", "failed", "answer_withheld")
    assert "The call itself was made" in text
    assert (await outcome(behind))["inspected"]["secrets"] == "block"
    assert not [one for one in secrets if one in text]
    assert not (await behind.call("numbers_guarded", {"how": "x"})).json()["result"].get("isError")
    response = await leaked(behind, 8, "notes", "structured", "guarded")
    assert [one for one in events(response.content) if "method" in one] == []


async def test_u08_a_tool_whose_answers_are_secrets_may_be_left_alone(behind: House) -> None:
    result, _ = answer_with(9, "structured")
    response = await leaked(behind, 9, "whole", "structured", "frank")
    assert response.json()["result"]["structuredContent"] == result["structuredContent"]
    assert "inspected" not in await outcome(behind)
