"""What a policy file may say of a server's answers."""

from typing import Any

import pytest
from pydantic import ValidationError

from mcp_gateway.rights.policy import _compile
from mcp_gateway.rights.policy_file import PolicyFile

LINE = {"roles": ["analyst"]}


def compiled(**file: Any) -> dict[str, Any]:
    rules = _compile("one", PolicyFile.model_validate(file), 1.0)
    return {rule.name: rule.answers for rule in rules}


def test_answers_are_redacted_and_untrusted_unless_the_file_says_otherwise() -> None:
    answers = compiled(tools={"a": LINE}, prompts={"b": LINE}, resources={"one://*": LINE})
    assert {(one.secrets, one.untrusted, tuple(one.links)) for one in answers.values()} == {
        ("redact", True, ())
    }


def test_a_line_has_the_last_word_about_its_secrets() -> None:
    answers = compiled(
        answers={"secrets": "off", "untrusted": False, "links": ["files.example.com"]},
        tools={"a": LINE, "b": {**LINE, "secrets": "block"}},
        resources={"one://*": {**LINE, "secrets": "redact"}},
    )
    assert {name: one.secrets for name, one in answers.items()} == {
        "a": "off", "b": "block", "one://*": "redact",
    }  # fmt: skip
    assert all(one.links == ["files.example.com"] for one in answers.values())
    assert not any(one.untrusted for one in answers.values())


@pytest.mark.parametrize(
    "answers",
    [
        {"secrets": "maybe"}, {"links": ["https://files.example.com"]}, {"links": ["*"]},
        {"links": ["files.example.com/a"]}, {"trusted": True},
    ],
)  # fmt: skip
def test_what_a_file_cannot_say_of_answers_stops_the_start(answers: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PolicyFile.model_validate({"answers": answers})
