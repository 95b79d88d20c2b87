import json
import logging
from typing import Any

import pytest

from mcp_shared import logs


def line(message: str = "refused", **extra: Any) -> dict[str, Any]:
    record = logging.makeLogRecord(
        {"msg": message, "levelno": 20, "levelname": "INFO", "name": "x", **extra}
    )
    text = logs.JsonLines("gateway").format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_line_has_its_event_and_what_was_said_beside_it() -> None:
    token = logs.call_id.set("call-1")
    try:
        found = line(code="no_role", count=3)
    finally:
        logs.call_id.reset(token)
    assert (found["service"], found["event"], found["level"]) == ("gateway", "refused", "info")
    assert (found["code"], found["count"], found["call_id"]) == ("no_role", 3, "call-1")


@pytest.mark.parametrize(
    "value",
    [
        "a\r\nb",
        '"},{"level":"error',
        "\u2028",
        "\x1b[31m",
        "\ud800",
        b"\xff",
        2**70,
        {"a": {1, 2}},
        object(),
        float("nan"),
        {5: 1},
    ],
)
def test_l01_no_value_breaks_out_of_its_line_or_off_the_log(value: Any) -> None:
    assert line(value=value)["event"] == "refused"
    assert line(message=str(value))["level"] == "info"


def test_what_a_caller_names_cannot_replace_what_we_say() -> None:
    assert line(service="evil", level="error", event="fine")["service"] == "gateway"
