"""A09, A10, A13, A15, A18: what a client carries for us, what caches keep, and what arguments hide."""

import json
import random
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from attacks.oracle import unharmed
from house.asks import GOOD, body_of, error_of, result_of, tool_error, without_receipt
from house.backends import Behaviour, Counted, a_server, answers, counted_server
from house.conftest import Opened
from house.folders import POLICIES
from house.house import META, House
from house.test_protocol_rounds import CAN_ANSWER, DONE, STATE, asks, call
from house.test_resources import pages
from people import Issuer

from mcp_gateway.seal import Seal
from mcp_shared.identity import caller

WIDE = "limits: { person_rate: 100000/minute, refused_rate: 100000/minute }\n"
MUTANTS = 500


def wide(policy: str) -> str:
    return policy.replace("1000/minute", "100000/minute").replace("2/minute", "1000/minute")


async def asked(home: House, **more: Any) -> str:
    """A state that a server gave, as the client has it."""
    home.server.behave = asks()
    state: str = (await call(home, **more)).json()["result"]["requestState"]
    home.server.behave = None
    return state


def mutants(state: str) -> Iterator[str]:
    raw = bytearray(urlsafe_b64decode(state + "=" * (-len(state) % 4)))

    def spelt(changed: bytes) -> str:
        return urlsafe_b64encode(changed).decode().rstrip("=")

    for bit in range(8 * len(raw)):  # every bit of it
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        yield spelt(bytes(changed))
    yield from (spelt(bytes(raw[:end])) for end in range(len(raw)))  # cut off anywhere
    yield from (spelt(bytes(raw[start:])) for start in range(1, len(raw)))
    yield from (state + one for one in ("A", "=", "==", "\n", " ", "%00", ".none", "-_"))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # the last character carries bits that a careless decoder drops
    yield from (state[:-1] + one for one in alphabet if one != state[-1])


def forged(state: str) -> list[str]:
    """Made by somebody without the key, in forms that some libraries take."""
    claims = json.dumps([int(time.time()) + 600, STATE])

    def part(text: str) -> str:
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    return [
        Seal(bytes(32)).close(claims.encode(), b""), Seal(b"k" * 32).close(claims.encode(), b"x"),
        f"{part(json.dumps({'alg': 'none'}))}.{part(claims)}.", STATE, part(STATE), part(claims),
        f"{part(json.dumps({'alg': 'HS256'}))}.{part(claims)}.{state}", state.swapcase(), state[::-1],
        state.replace("-", "+").replace("_", "/") + "/", state * 2, "", " ", "null", "A" * 9000, "é",
    ]  # fmt: skip


async def test_A09_of_five_hundred_changed_states_not_one_is_taken(
    server: Counted, opened: Opened
) -> None:
    policies = {"numbers": wide(POLICIES["numbers"])}
    async with opened(server, policies=policies, extra=WIDE) as home:
        state = await asked(home)
        others = list(dict.fromkeys(mutants(state)))
        chosen = random.Random(9).sample(others, MUTANTS - len(forged(state))) + forged(state)
        assert state not in chosen
        assert len(chosen) >= MUTANTS
        async with unharmed(home) as told:
            said = set()
            for one in chosen:
                answer = told.answer(await call(home, one))
                assert (answer.status_code, error_of(answer)["code"]) == (400, -32602), one
                said.add(repr(without_receipt(answer)))
            assert len(said) == 1  # nothing tells which part of it was wrong
        refusals = await home.records(kind="refusal")
        assert {one["reason"] for one in refusals} == {"request_state:broken_seal"}
        server.behave = DONE
        assert result_of(await call(home, state))["structuredContent"]  # the one that was given


def once(server: Counted) -> Behaviour:
    """A server whose action happens once for each state it gave."""
    taken: set[str] = set()

    async def behave(scope: Any, receive: Any, send: Any) -> None:
        state = server.calls[-1]["params"]["requestState"]
        if state in taken:
            error = {"code": -32602, "message": "This step was done before."}
            body = json.dumps({"jsonrpc": "2.0", "id": "x", "error": error}).encode()
            await answers(body, status=400)(scope, receive, send)
            return
        taken.add(state)
        await DONE(scope, receive, send)

    return behave


async def test_A10_a_state_is_of_one_person_one_call_and_ten_minutes_and_acts_once(
    server: Counted, opened: Opened
) -> None:
    async with opened(server) as home:
        state, theirs = await asked(home), await asked(home, person="dee")
        note = {"number": 1, "idempotency_key": "key-00001"}
        more = {"requestState": state, "_meta": CAN_ANSWER}
        others: list[Callable[[], Awaitable[Any]]] = [
            lambda: call(home, state, person="dee"),
            lambda: call(home, theirs),
            lambda: call(home, state, numbers=(1, 2)),
            lambda: call(home, state, numbers=()),
            lambda: home.post(
                "tools/call", {"name": "numbers_note_number", "arguments": note, **more}
            ),
            lambda: home.post("tools/call", {"name": "numbers_wait_long", "arguments": {"seconds": 0}, **more}),
            lambda: home.post("prompts/get", {"name": "numbers_sum_up", "arguments": {"of": "x"}, **more}),
            lambda: home.post("resources/read", {"uri": "numbers://digits/1", **more}),
        ]  # fmt: skip
        async with unharmed(home) as told:
            for ask in others:
                answer = told.answer(await ask())
                assert (answer.status_code, error_of(answer)["code"]) == (400, -32602)
                assert error_of(answer)["message"].startswith("Unknown or expired requestState")
        async with unharmed(home) as told:
            assert home.gateway.edge is not None
            rounds = home.gateway.edge.pipeline.rounds
            real, rounds._clock = rounds._clock, lambda: time.time() + 601
            answer = told.answer(await call(home, state))
            rounds._clock = real
            assert error_of(answer)["code"] == -32602
            reasons = [one["reason"] for one in await home.records(kind="refusal")]
            assert reasons == ["request_state:broken_seal"] * 8 + ["request_state:expired"]
        async with unharmed(home, upstream=2) as told:
            server.behave = once(server)
            first, again = (
                told.answer(await call(home, state)),
                told.answer(await call(home, state)),
            )
            server.behave = None
            assert result_of(first)["structuredContent"] == {"total": 1}
            assert "structuredContent" not in again.text  # its server remembers; we keep no state
            sent = [one["params"]["requestState"] for one in server.calls[-2:]]
            assert sent == [STATE, STATE]


async def test_A13_what_a_server_calls_public_is_private_and_nobody_gets_it_from_a_cache(
    issuer: Issuer, opened: Opened
) -> None:
    own = a_server()

    @own.resource("numbers://me", mime_type="text/plain")
    def me() -> str:
        return f"only for {caller().username}"

    async def public(ctx: Any, call_next: Any) -> Any:
        result = await call_next(ctx)
        if ctx.method == "resources/read":
            return (
                {**result, "cacheScope": "public", "ttlMs": 60_000}
                if isinstance(result, dict)
                else result
            )
        return result

    own.middleware.append(public)
    lists = (
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "server/discover",
    )
    async with counted_server(issuer, own) as server, opened(server) as home:
        people = ["ana", "ben", "ana", "ben", "ben", "ana"]
        async with unharmed(home, records=len(people), upstream=len(people)) as told:
            for person in people:
                answer = told.answer(
                    await home.post("resources/read", {"uri": "numbers://me"}, person=person)
                )
                result = result_of(answer)
                assert result["contents"][0]["text"] == f"only for {person}"
                assert result["cacheScope"] == "private"
                assert answer.headers["cache-control"] == "no-store"
                assert not {"etag", "age", "last-modified", "expires"} & set(answer.headers)
                for method in lists:
                    listed = await home.post(method, person=person)
                    told.hear(listed.content)
                    assert result_of(listed)["cacheScope"] == "private", method
                    assert listed.headers["cache-control"] == "no-store"
                    assert ("note_number" in listed.text) is (
                        person == "ana" and method == "tools/list"
                    )
            whose = [
                headers["authorization"] for headers, body in server.seen if b"numbers://me" in body
            ]
            assert len(whose) == len(people)  # asked anew each time, in the person's own name
            assert len(set(whose)) == 2


def wrong_cursors(cursor: str) -> list[Any]:
    found: list[Any] = [
        "", "second", "%%%", "é", "A" * 9000, "-1", "0", "1000000000", "99999999999999999999", "null",
        "../numbers", '["numbers","second"]', urlsafe_b64encode(b'["numbers","second"]').decode(),
        cursor[:-1], cursor + "A", cursor + "=", cursor[::-1], cursor.swapcase(), cursor * 2,
        f" {cursor}", f"{cursor}\n", -1, 0, 10**9, 1.5, True, [], {}, [cursor],
    ]  # fmt: skip
    found += [
        cursor[:at] + ("A" if one != "A" else "B") + cursor[at + 1 :]
        for at, one in enumerate(cursor)
    ]
    return [one for one in found if one != cursor]


async def test_A15_a_cursor_is_of_one_person_one_list_and_one_piece(home: House) -> None:
    cursor = (await pages(home))[0]["nextCursor"]
    before = len(home.server.of("resources/list"))
    attempts = [("ana", "resources/list", one) for one in wrong_cursors(cursor)]
    attempts += [("ben", "resources/list", cursor), ("ana", "resources/templates/list", cursor)]
    attempts += [("ana", method, cursor) for method in ("tools/list", "prompts/list")]
    async with unharmed(home, records=0) as told:
        for person, method, one in attempts:
            answer = told.answer(await home.post(method, {"cursor": one}, person=person))
            assert (answer.status_code, error_of(answer)["code"]) == (400, -32602), one
            assert "cursor" in error_of(answer)["message"]
        # who may read nothing has an empty list, whatever cursor they bring
        assert result_of(await home.post("resources/list", {"cursor": cursor}, person="dee")) | {
            "resources": []
        } == result_of(await home.post("resources/list", person="dee"))
        assert len(home.server.of("resources/list")) == before
    assert (await pages(home))[0]["nextCursor"] == cursor


# --- A18

ESCAPED = '{"\\u006eumbers": [1], "\\u006eumberz": 1}'
BYPASSES: list[Any] = [
    {"numbers": [1], "extra": 1}, {"numbers": [1], "$ref": "#"}, {"numbers": {"$ref": "#/$defs/x"}},
    {"numbers": [1], "__proto__": {"x": 1}}, {"numbers": [1], "constructor": {}}, {"Numbers": [1]},
    {"numbers": "1"}, {"numbers": {"0": 1}}, {"numbers": [[1]]}, {"numbers": [{"$gt": 0}]},
    {"numbers": ["1"]}, {"numbers": [True]}, {"numbers": [1.5]}, {"numbers": [None]}, {"numbers": None},
    {"numbers": [10]}, {"numbers": [-1]}, {"numbers": [1] * 6}, {"numbers": [10**30]},
    {"numbers": [1], "style": ["plain"]}, {"numbers": [1], "style": "Plain"}, {}, {"": 1},
    {"numbers": [1], "style": "plain\x1b"}, {"numbers ": [1]}, {"numbers[]": [1]}, {"arguments": {"numbers": [1]}},
    {"numbers": [1], "numbers.0": 9}, {"numbers": [1], "default": "roman"}, {"ｎumbers": [1]},
    {"numbers": [1], "style": {"const": "plain"}}, {"numbers": [1], "additionalProperties": True},
]  # fmt: skip


@pytest.mark.parametrize("era", ["post", "legacy"])
async def test_A18_arguments_that_the_reviewed_schema_does_not_allow_never_leave(
    home: House, era: str
) -> None:
    """Each is answered with what is wrong, which a model can mend; the schema is the pinned one."""
    async with unharmed(home) as told:
        for arguments in BYPASSES:
            params = {"name": GOOD["name"], "arguments": arguments}
            answer = told.answer(await getattr(home, era)("tools/call", params))
            text, _ = tool_error(answer)
            assert text.startswith("The arguments of numbers_add_numbers have"), arguments
        body = body_of().replace(b'{"numbers": [1]}', ESCAPED.encode())
        text, _ = tool_error(told.answer(await home.call(GOOD["name"], {}, body=body)))
        assert "unknown argument" in text
        reasons = {one["reason"] for one in await home.records(kind="outcome")}
        assert reasons == {"invalid_arguments"}
    async with unharmed(home, records=0) as told:  # what is no object of arguments at all
        for arguments in ([], [1], "x", '{"numbers": [1]}', 1, True):
            params = {"name": GOOD["name"], "arguments": arguments, "_meta": META}
            answer = told.answer(await home.call(GOOD["name"], {}, body=body_of(params=params)))
            assert (answer.status_code, error_of(answer)["code"]) == (400, -32602)
    # what is allowed reaches the server as it is, with no default put in
    result_of(await home.call(GOOD["name"], {"numbers": [1]}))
    assert home.server.calls[-1]["params"]["arguments"] == {"numbers": [1]}
