import json
from typing import Any

import msgspec
import pytest

from mcp_gateway.call import Call, Raw
from mcp_gateway.upstream.notes import Notes


def call(meta: dict[str, Any], era: Any = "modern") -> Call:
    raw = {key: Raw(json.dumps(value).encode()) for key, value in meta.items()}
    return Call(
        id="c", endpoint="", era=era, version="2026-07-28", request_id=Raw(b"1"),
        method="tools/call", name="a", params={}, meta=raw, arguments={}, size=0,
        param_headers=(), traceparent=None,
    )  # fmt: skip


def said(notes: Notes, params: Any, method: str = "notifications/progress") -> bytes | None:
    message = json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode()
    return notes.passing(msgspec.json.decode(message, type=dict[str, Raw]))


def progress(notes: Notes, *values: Any, token: Any = "p") -> list[Any]:
    """Of these, what the client hears."""
    heard = []
    for value in values:
        passed = said(notes, {"progressToken": token, "progress": value})
        if passed is not None:
            heard.append(json.loads(passed)["params"]["progress"])
    return heard


def test_progress_only_goes_forward() -> None:
    notes = Notes(call({"progressToken": "p"}))
    assert progress(notes, 0, 1, 1, 0.5, 1.5, -1, 2) == [0, 1, 1.5, 2]


@pytest.mark.parametrize("token", ["q", 1, True, None, ["p"]])
def test_progress_under_another_token_is_not_this_calls(token: Any) -> None:
    assert progress(Notes(call({"progressToken": "p"})), 1, token=token) == []


def test_a_token_that_is_a_number_is_as_good() -> None:
    assert progress(Notes(call({"progressToken": 7})), 1, token=7) == [1]


@pytest.mark.parametrize("value", ["1", True, None, {}])
def test_progress_that_is_no_number_is_dropped(value: Any) -> None:
    assert progress(Notes(call({"progressToken": "p"})), value) == []


@pytest.mark.parametrize("params", [None, [], "p"])
def test_progress_without_parameters_is_dropped(params: Any) -> None:
    assert said(Notes(call({"progressToken": "p"})), params) is None


def test_who_gave_no_token_hears_no_progress() -> None:
    assert progress(Notes(call({})), 1, token=None) == []
