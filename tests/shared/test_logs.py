import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
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


SAID = {"method": "tools/call", "reason": "", "ms": 1.5, "odd": "\ud800"}


@contextmanager
def only(handler: logging.Handler) -> Iterator[logging.Logger]:
    """A logger whose lines go to this handler and nowhere else."""
    root, logger = logging.root, logging.getLogger("told")
    handlers, root.handlers = root.handlers, [handler]
    logger.setLevel(logging.INFO)
    try:
        yield logger
    finally:
        root.handlers = handlers


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(one) for one in stream.getvalue().splitlines()]
    return [{**one, "ts": one["ts"][:10]} for one in lines]


def test_what_is_told_of_a_call_is_the_line_a_logger_would_have_written() -> None:
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(logs.JsonLines("gateway"))
    with only(handler) as logger:
        logger.info("call", extra=SAID)
        logs.tell(logger, "call", SAID)
        logger.setLevel(logging.WARNING)
        logs.tell(logger, "call", SAID)
    ordinary, told = written(stream)
    assert told == ordinary
    assert list(told) == list(ordinary)


def test_where_lines_go_otherwise_a_logger_writes_them() -> None:
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(logging.Formatter("%(message)s of %(method)s"))
    with only(handler) as logger:
        logs.tell(logger, "call", SAID)
    assert stream.getvalue() == "call of tools/call\n"


def test_a_log_that_nobody_takes_any_more_ends_no_call() -> None:
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(logs.JsonLines("gateway"))
    stream.close()
    with only(handler) as logger:
        logs.tell(logger, "call", SAID)
