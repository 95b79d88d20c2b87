"""H21, H22, H23: session ids, which nobody gets here, and request ids, which are anybody's."""

import asyncio
import json
import secrets
from typing import Any

from attacks.oracle import unharmed
from house.asks import GOOD, result_of
from house.backends import Counted
from house.conftest import Opened
from house.folders import POLICIES
from house.house import RECEIPT, House

WIDE = "limits: { person_rate: 100000/minute, refused_rate: 100000/minute }\n"
MANY = POLICIES["numbers"].replace("contractor: 2/minute", "contractor: 100000/minute")
INITIALIZE = {
    "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"},
}  # fmt: skip
IDS = ["1", "0", "", "a" * 128, secrets.token_hex(16), "../1", "1, 2", "ana", "é".encode().hex()]


def shown(response: Any) -> tuple[int, list[tuple[str, str]], Any]:
    """An answer without what is another one each time."""
    document = response.json()
    document.get("result", {}).get("_meta", {}).pop(RECEIPT, None)
    document.get("error", {}).get("data", {}).pop(RECEIPT, None)
    headers = [pair for pair in response.headers.multi_items() if pair[0] != "content-length"]
    return response.status_code, headers, document


async def ask(home: House, person: str, session: str | None) -> list[Any]:
    """Everything a client of 2025 or 2026 would do in a session."""
    token = {"authorization": f"Bearer {home.token(person)}", "content-type": "application/json"}
    older = {**token, "accept": "application/json", "mcp-protocol-version": "2025-11-25"}
    more = {} if session is None else {"mcp-session-id": session, "last-event-id": "1"}
    answers = []
    for method, params in (("tools/list", {}), ("tools/call", GOOD), ("resources/list", {})):
        document = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        answers.append(await home.http.post("/mcp", json=document, headers={**older, **more}))
        answers.append(await home.post(method, params, person=person, headers={**more}))
    return answers


async def test_H21_somebody_elses_session_id_changes_nothing_for_anybody(home: House) -> None:
    people = ("ana", "ben")
    calls = len(people) * (1 + len(IDS)) * 2
    async with unharmed(home, records=calls, upstream=calls // 2) as told:
        for person in people:
            plain = [shown(told.answer(one)) for one in await ask(home, person, None)]
            for session in IDS:
                theirs = [shown(told.answer(one)) for one in await ask(home, person, session)]
                assert theirs == plain, (person, session)
        for server in home.servers.values():
            for headers, _ in server.seen:
                assert not {"mcp-session-id", "last-event-id"} & headers.keys()
    whose = {one["sub"] for one in await home.records(kind="outcome")}
    assert len(whose) == 1  # ana's: ben may not add, in whoever's session he says he is


async def test_H22_no_session_begins_however_often_it_is_asked_for(
    server: Counted, opened: Opened
) -> None:
    async with opened(server, extra=WIDE) as home:
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))  # the first takes longer
        server.seen.clear()
        await _a_thousand_handshakes(home)
        assert not server.calls[:-1]


async def _a_thousand_handshakes(home: House) -> None:
    async with unharmed(home, records=0) as told:
        for number in range(1_000):
            document = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
            headers = {
                "authorization": f"Bearer {home.token('ana')}", "content-type": "application/json",
                "accept": "application/json, text/event-stream", "mcp-session-id": f"mine-{number}",
            }  # fmt: skip
            answer = told.answer(await home.http.post("/mcp", json=document, headers=headers))
            assert result_of(answer)["protocolVersion"] == "2025-11-25"
            assert "mcp-session-id" not in answer.headers
            assert "mine-" not in answer.text
            if number % 100 == 0:  # nothing to end, to resume or to find
                for verb in ("DELETE", "GET"):
                    ended = told.answer(await home.http.request(verb, "/mcp", headers=headers))
                    assert ended.status_code == 405


async def echo(counted: Counted) -> Any:
    """A server that says what it was asked, after a moment that differs."""

    async def behave(_scope: Any, _receive: Any, send: Any) -> None:
        message = json.loads(counted.seen[-1][1])
        numbers = message["params"]["arguments"]["numbers"]
        await asyncio.sleep(sum(numbers) % 7 / 500)
        result = {"content": [], "structuredContent": {"echo": numbers}}
        body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body})

    return behave


async def test_H23_a_thousand_calls_under_one_id_never_get_each_others_answers(
    server: Counted, opened: Opened
) -> None:
    policies, people = {"numbers": MANY.replace("1000/minute", "100000/minute")}, ("ana", "dee")
    async with opened(server, policies=policies, extra=WIDE) as home:
        result_of(await home.call(GOOD["name"], GOOD["arguments"]))
        before = server.behave = await echo(server)
        at_once = asyncio.Semaphore(50)

        async def call(number: int) -> None:
            numbers = [number % 2, *(int(digit) for digit in f"{number:04}")]
            async with at_once:
                answer = await home.call(
                    GOOD["name"], {"numbers": numbers}, person=people[number % 2]
                )
            document = told.answer(answer).json()
            assert document["id"] == 7
            assert document["result"]["structuredContent"] == {"echo": numbers}
            receipt = document["result"]["_meta"][RECEIPT]
            assert receipt["leaf"] not in leaves
            leaves[receipt["leaf"]] = (people[number % 2], numbers)

        leaves: dict[str, Any] = {}
        async with unharmed(home, upstream=1000) as told:
            await asyncio.gather(*map(call, range(1000)))
            assert server.behave is before
            server.behave = None
        intents = await home.records(kind="intent")
        written = sorted((one["person"], *one["args"]["numbers"]) for one in intents[1:1001])
        assert written == sorted((person, *numbers) for person, numbers in leaves.values())
        assert len({call["id"] for call in server.calls[1:1001]}) == 1000
