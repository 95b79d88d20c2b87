"""Every no has one form; what the caller may not know stays inside."""

import pytest

from mcp_gateway import refusals
from mcp_gateway.refusals import Refusal
from mcp_shared.meta import REFUSED

ALL = [
    refusals.malformed("x"),
    refusals.header_mismatch("x"),
    refusals.unsupported_version("1", ["2"]),
    refusals.unknown_method("modern"),
    refusals.unknown_server(),
    refusals.too_large(5),
    refusals.unauthenticated("Bearer x", "inner"),
    refusals.unknown_name("tool", "modern", "inner"),
    refusals.limited(1.2, "x"),
    refusals.unavailable("server_unavailable", "x is away."),
    refusals.ledger_down(),
]


@pytest.mark.parametrize("refusal", ALL, ids=lambda refusal: refusal.code)
def test_codes_lie_where_the_specification_lets_them(refusal: Refusal) -> None:
    ours = refusal.rpc > -32000
    json_rpc = refusal.rpc in {-32700, -32600, -32601, -32602, -32603}
    mcp = refusal.rpc in {-32020, -32021, -32022}
    assert ours or json_rpc or mcp
    assert refusal.decision in {"deny", "limit", "error"}
    assert refusal.code == refusal.code.lower()


@pytest.mark.parametrize("refusal", ALL, ids=lambda refusal: refusal.code)
@pytest.mark.parametrize("method", ["tools/call", "resources/read", ""])
def test_the_inner_reason_is_never_said(refusal: Refusal, method: str) -> None:
    answer = refusal.answer(method)
    assert answer.status == "refused"
    assert "inner" not in repr((answer.error, answer.result, answer.headers))
    assert (answer.error is None) is (answer.result is not None)


def test_a_model_reads_a_tool_error_and_a_client_an_http_error() -> None:
    limited = refusals.limited(1.2, "one_read_it")
    model, client = limited.answer("tools/call"), limited.answer("resources/read")
    assert model.http == 200
    assert model.result is not None
    assert model.result["_meta"][REFUSED] == {
        "code": "rate_limited",
        "retryAfter": 1.2,
    }
    assert "Wait 2 seconds" in model.result["content"][0]["text"]
    assert (client.http, client.headers) == (429, (("Retry-After", "2"),))
    assert client.error is not None


def test_older_clients_read_errors_where_they_look_for_them() -> None:
    assert refusals.unknown_method("legacy").http == 200
    assert refusals.unknown_name("tool", "legacy", "x").http == 200


@pytest.mark.parametrize("wait", [0.0, 0.001, 0.5, 1.0, 59.9])
def test_the_wait_that_is_said_is_never_too_short(wait: float) -> None:
    ((_, seconds),) = refusals.limited(wait, "x").headers
    assert int(seconds) >= max(1, wait)
