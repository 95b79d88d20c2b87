"""H01, H02, H03, H04, H17, H18, H20: headers that say something else than the body, and from elsewhere."""

from base64 import b64encode
from typing import Any

import pytest
from attacks.oracle import Told, unharmed
from house.asks import GOOD, body_of, error_of, result_of
from house.house import META, MODERN, House
from house.wire import Wire

NAME = GOOD["name"]
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
Headers = dict[str, str | None]


async def mismatch(home: House, told: Told, headers: Headers, **more: Any) -> None:
    answer = told.answer(await home.call(NAME, GOOD["arguments"], headers=headers, **more))
    assert (answer.status_code, error_of(answer)["code"]) == (400, -32020), headers
    assert answer.json()["id"] == 7


async def test_H01_the_method_is_the_bodys_and_another_one_in_the_header_is_refused(
    home: House,
) -> None:
    wrong = [None, "", "tools/list", "TOOLS/CALL", "tools/call/", "tools/call,tools/list",
             "ping", "initialize", "=?base64?dG9vbHMvY2FsbA==?=", "tools/call\x00"]  # fmt: skip
    async with unharmed(home, records=0) as told:
        for method in wrong:
            await mismatch(home, told, {"mcp-method": method})
        # a harmless body under a call's headers stays harmless, and is refused all the same
        answer = told.answer(await home.post("tools/list", headers={"mcp-method": "tools/call"}))
        assert error_of(answer)["code"] == -32020
    # what is judged is the body: dee may not note, whatever the header says of it
    async with unharmed(home, records=1) as told:
        hidden = told.answer(
            await home.legacy("tools/call", {"name": "numbers_note_number"}, person="dee")
        )
        assert error_of(hidden)["message"] == "Unknown tool"


async def test_H02_the_name_is_the_bodys_and_another_one_in_the_header_is_refused(
    home: House,
) -> None:
    note = {"number": 1, "idempotency_key": "key-00001"}
    wrong = [None, "", "letters_count_letters", "Numbers_add_numbers", "add_numbers",
             "numbers_add_numbers x", "numbers_add_numbers,x", "numbers%5Fadd_numbers"]  # fmt: skip
    async with unharmed(home, records=0) as told:
        for name in wrong:
            await mismatch(home, told, {"mcp-name": name})
        for method, params, header in (
            ("tools/call", {"name": "numbers_note_number", "arguments": note}, NAME),
            ("prompts/get", {"name": "numbers_sum_up"}, "numbers_nothing"),
            ("resources/read", {"uri": "letters://alphabet"}, "numbers://digits/1"),
        ):
            answer = told.answer(await home.post(method, params, headers={"mcp-name": header}))
            assert (answer.status_code, error_of(answer)["code"]) == (400, -32020), method


def wrapped(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return f"=?base64?{b64encode(raw).decode()}?="


STRICT = [
    wrapped(NAME).replace("==", ""),  # padding left out
    wrapped(NAME).replace("==", "="),
    wrapped(NAME).replace("==", "===="),
    wrapped(NAME).replace("bas", "BAS"),
    wrapped(NAME).replace("w==?=", "x==?="),  # bits that a careless decoder drops
    wrapped(NAME)[:-2], wrapped(NAME)[:-1], wrapped(NAME)[1:], " ".join(wrapped(NAME)),
    wrapped(NAME).replace("?bn", "? bn"), wrapped(NAME).replace("?bn", "?\tbn"),
    wrapped(NAME).replace("bnVt", "bn*t"), wrapped(NAME).replace("bnVt", "bn-t"),
    wrapped(b"\xff\xff\xff"), wrapped(b"numbers_add_numbers\xc0\x80"), wrapped("\ufeff" + NAME),
    wrapped(f"{NAME}\r\n"), wrapped(f"{NAME}\r\nX: y"), wrapped(f"{NAME}\n"), wrapped(f" {NAME}"),
    wrapped(f"{NAME}\x00"), wrapped(wrapped(NAME)), wrapped(wrapped(NAME) + NAME),
    "=?base64??=", "=?base64?=", "=?base64?", "=?base64?=?=", f"=?utf-8?B?{wrapped(NAME)[9:]}",
    f"=?base64?{NAME.encode().hex()}?=", wrapped(NAME) + wrapped(""), NAME + wrapped(""),
]  # fmt: skip


async def test_H03_a_wrapped_name_is_decoded_once_and_strictly(home: House) -> None:
    assert wrapped(NAME) not in STRICT
    async with unharmed(home, records=2, upstream=2) as told:
        for value in STRICT:
            await mismatch(home, told, {"mcp-name": value})
        for value in (wrapped(NAME), NAME):
            answer = await home.call(NAME, GOOD["arguments"], headers={"mcp-name": value})
            assert result_of(told.answer(answer))["structuredContent"]["total"] == 1
        # the method is never wrapped
        await mismatch(home, told, {"mcp-method": wrapped("tools/call")})


async def test_H04_headers_of_this_version_are_there_and_its_versions_agree(home: House) -> None:
    missing: list[Headers] = [
        {"mcp-method": None}, {"mcp-name": None}, {"mcp-protocol-version": None},
        {"mcp-protocol-version": "2025-11-25"}, {"mcp-protocol-version": "2099-01-01"},
        {"mcp-protocol-version": ""}, {"mcp-protocol-version": f"{MODERN}x"},
        {"mcp-protocol-version": None, "mcp-method": None, "mcp-name": None},
    ]  # fmt: skip
    incomplete: list[Any] = [
        None, {}, {VERSION: MODERN}, {CAPABILITIES: {}}, {**META, VERSION: 20260728},
        {**META, CAPABILITIES: None}, {**META, CAPABILITIES: []}, {**META, VERSION: [MODERN]},
    ]  # fmt: skip
    async with unharmed(home, records=0) as told:
        for headers in missing:
            await mismatch(home, told, headers)
        for version in ("2099-01-01", f"{MODERN}.", "1", "2024-11-05", "2025-11-25"):
            answer = told.answer(
                await home.call(
                    NAME, {}, headers={"mcp-protocol-version": version},
                    body=body_of(params={**GOOD, "_meta": {**META, VERSION: version}}),
                )
            )  # fmt: skip
            error = error_of(answer)
            assert (answer.status_code, error["code"]) == (400, -32022), version
            assert error["data"]["requested"] == version
            assert error["data"]["supported"][0] == MODERN
            assert answer.json()["id"] == 7
        for meta in incomplete:
            params = {**GOOD, **({} if meta is None else {"_meta": meta})}
            answer = told.answer(await home.call(NAME, {}, body=body_of(params=params)))
            assert (answer.status_code, error_of(answer)["code"]) == (400, -32602), meta


ORIGINS = [
    "https://evil.example", "null", "NULL", "", "*", "http://localhost", "https://localhost:8080",
    "http://localhost:8080.evil.example", "http://evil.localhost:8080", "http://localhost:80800",
    "http://localhost:8080/", "http://LOCALHOST:8080", "http://localhost:8080@evil.example",
    "http://127.0.0.1:8080", "http://[::1]:8080", "file://", "http://localhost:8080 http://x",
    "http://localhost:8080,http://evil.example", "http://localhost%3A8080", "http://0.0.0.0:8080",
]  # fmt: skip
HOSTS = [
    "evil.example", "localhost", "", "localhost:8081", "localhost:8080.evil.example",
    "LOCALHOST:8080", "localhost:8080@evil.example", "localhost:08080", "0.0.0.0:8080",
    "127.1:8080", "2130706433:8080", "rebound.evil.example:8080", "localhost:8080,evil.example",
    "localhost.:8080", "[::ffff:127.0.0.1]:8080", "169.254.169.254",
]  # fmt: skip


@pytest.mark.parametrize("person", [None, "ana"], ids=["nobody", "somebody"])
async def test_H17_a_foreign_page_or_a_rebound_name_is_403_before_anybody_is_asked_for_a_token(
    home: House, person: str | None
) -> None:
    who: Headers = {} if person else {"authorization": None}
    async with unharmed(home, records=0) as told:
        for key, values in (("origin", ORIGINS), ("host", HOSTS)):
            for value in values:
                answer = told.answer(
                    await home.call(NAME, GOOD["arguments"], headers={key: value, **who})
                )
                assert (answer.status_code, error_of(answer)["code"]) == (403, -31403), value
                assert "www-authenticate" not in answer.headers
                assert not any(one.startswith("access-control") for one in answer.headers)
        assert not home.server.seen
        own = await home.post("tools/list", headers={"origin": "http://localhost:8080"})
        assert told.answer(own).status_code == 200


PATHS = ["/mcp", "/servers/numbers/mcp", "/.well-known/oauth-protected-resource", "/healthz",
         "/readyz", "/console/", "/console/sign-in", "/console/calls", "/nothing"]  # fmt: skip
PAGES = ["http://localhost:8080", "https://evil.example", "null"]


async def test_H18_no_page_is_told_that_it_may_read_an_answer(home: House) -> None:
    """Not even one that may ask: credentials travel in a header, never by themselves."""
    async with unharmed(home, records=0) as told:
        for path in PATHS:
            for origin in PAGES:
                for verb in ("OPTIONS", "GET", "POST"):
                    answer = told.answer(
                        await home.http.request(
                            verb, path,
                            headers={
                                "origin": origin,
                                "access-control-request-method": "POST",
                                "access-control-request-headers": "authorization, mcp-method",
                                "access-control-request-private-network": "true",
                            },
                        )
                    )  # fmt: skip
                    shared = [one for one in answer.headers if one.startswith("access-control")]
                    assert not shared, (verb, path, origin)
                    if verb == "OPTIONS":
                        assert answer.status_code >= 400, (path, origin)


VERBS = ["GET", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "post", "QUERY"]
OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override", "_method"]


async def test_H20_only_post_is_served_whatever_a_header_makes_of_it(home: House) -> None:
    async with unharmed(home, records=1, upstream=1) as told:
        for verb in VERBS:
            for override in (None, *OVERRIDES):
                headers = home.headers("tools/call", name=NAME)
                headers |= {} if override is None else {override: "POST"}
                headers |= {"mcp-session-id": "x", "last-event-id": "1"}
                wire = await Wire(home.gateway, headers, [body_of()], verb=verb).run()
                told.hear(wire.body)
                assert (wire.status, wire.answer_headers["Allow"]) == (405, "POST"), verb
                assert wire.pulled == 0
        overridden = dict.fromkeys(OVERRIDES, "DELETE")
        answer = told.answer(await home.call(NAME, GOOD["arguments"], headers=overridden))
        assert answer.status_code == 200
