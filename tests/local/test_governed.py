"""The calls of a demo.toml: mistakes in it are named, and a call that cannot be made is reported."""

from pathlib import Path

import pytest

from mcp_local.governed import Call, calls_of, make
from mcp_local.plan import Part
from mcp_local.ports import free_port
from mcp_local.stack_toml import StackTomlError

CALL = """
[[call]]
person = "ana"
tool = "count_letters"
expect = "allowed"
arguments = { text = "abc", limit = 3 }
"""


def server(folder: Path, demo: str | None = None) -> Part:
    if demo is not None:
        (folder / "demo.toml").write_text(demo)
    return Part(name="letters", kind="server", folder=folder)


def test_a_demo_says_who_calls_what_and_what_has_to_come_of_it(tmp_path: Path) -> None:
    (call,) = calls_of(server(tmp_path, CALL))
    assert (call.server, call.person, call.tool) == ("letters", "ana", "count_letters")
    assert call.arguments == {"text": "abc", "limit": 3}


def test_a_server_need_not_have_a_demo(tmp_path: Path) -> None:
    assert list(calls_of(server(tmp_path))) == []


@pytest.mark.parametrize(
    ("demo", "says"),
    [
        (CALL.replace("allowed", "welcome"), "expect"),
        (CALL.replace("person", "persona"), "persona"),
        (CALL + "[[call", "demo.toml"),
    ],
)
def test_a_mistake_in_a_demo_is_named(tmp_path: Path, demo: str, says: str) -> None:
    with pytest.raises(StackTomlError, match=says):
        list(calls_of(server(tmp_path, demo)))


async def test_calls_that_cannot_be_made_are_reported_and_the_rest_still_tried(
    tmp_path: Path,
) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    nowhere = f"http://127.0.0.1:{free_port()}"
    call = Call(person="ana", tool="count_letters", expect="refused", server="letters")
    outcomes = await make([call, call], f"{nowhere}/mcp", f"{nowhere}/token", password)
    assert [outcome.decision for outcome in outcomes] == ["failed", "failed"]
    assert not any(outcome.as_expected for outcome in outcomes)
    assert "refused" in outcomes[0].note.lower()  # the connection was
