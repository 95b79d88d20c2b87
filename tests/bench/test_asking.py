import json

import pytest
from bench import asking
from bench.upstream import prepared


def answer(number: int, call: int) -> str:
    result = str(number).encode().join(prepared())
    return f'{{"jsonrpc":"2.0","id":{call},"result":{result.decode()}}}'


def right() -> str:
    return answer(100_042, 900_000_000_042)


def test_a_request_is_complete_and_of_the_length_it_announces() -> None:
    raw = asking.request("/mcp", "127.0.0.1:1", "stock_read_shelf", token="t")
    head, _, body = asking.filled(raw, 900_000_000_042, 100_042).partition(b"\r\n\r\n")
    message = json.loads(body)
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer t" in head
    assert b"Mcp-Name: stock_read_shelf" in head
    assert message["id"] == 900_000_000_042
    assert message["params"]["arguments"] == {"number": 100_042}
    assert message["params"]["_meta"] == asking.META


def test_an_older_client_sends_neither_the_headers_nor_the_meta_of_the_new_one() -> None:
    raw = asking.request("/mcp", "h", "read_shelf", era=asking.LEGACY)
    assert b"MCP-Protocol-Version: 2025-11-25" in raw
    assert b"Mcp-Method" not in raw
    assert b"_meta" not in raw


def test_the_answer_is_as_large_as_the_figures_say() -> None:
    assert 1050 <= len(right()) <= 1250


def test_a_right_answer_has_no_problem_alone_or_as_an_event() -> None:
    assert asking.problem(right()) is None
    assert asking.problem(f"event: message data: {right()}") is None


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "{}",
        right().replace('"isError":false', '"isError":true'),
        right().replace("Pallet jack", "Pallet jinx", 1),
        right().replace('"count":860', '"count":861'),
        answer(100_043, 900_000_000_042),
        '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no"}}',
    ],
)
def test_an_answer_that_is_not_the_tools_own_is_a_problem(wrong: str) -> None:
    assert asking.problem(wrong)
