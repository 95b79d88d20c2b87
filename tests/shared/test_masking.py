"""What a role may not see never leaves the server: neither in the structure nor in the text."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from mcp_types import CallToolResult, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from mcp_shared import masking, meta, stored
from mcp_shared.identity import Caller, become
from mcp_shared.masking import MaskError, compiled
from mcp_shared.own_policy import OwnPolicy, beside
from mcp_shared.serve import new_server
from mcp_shared.stored import STORED

ROLES = ("analyst", "sales", "support")
SECRET = "+45 5555"


class Phone(BaseModel):
    number: str | None
    kind: str = Field(pattern=r"^[a-z]+$")


class Person(BaseModel):
    name: Annotated[str, STORED]
    phones: list[Phone]
    age: int | None


class People(BaseModel):
    people: list[Person]
    tags: list[Annotated[str, STORED]]
    total: int


OUTPUT = People.model_json_schema()
ANSWER = People(
    people=[Person(name="Ada", phones=[Phone(number=SECRET, kind="work")], age=40)],
    tags=["x"],
    total=1,
)


def a_module(result: Any) -> ModuleType:
    async def find_people() -> People:
        """Find people."""
        return result  # type: ignore[no-any-return]

    module = ModuleType("toolbox.find_people")
    vars(module).update(
        find_people=find_people, TITLE="Find people", HINTS=ToolAnnotations(read_only_hint=True)
    )
    return module


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "policy.yaml"
    monkeypatch.setenv("MCP_POLICY", str(path))
    write(path, "{'$.people[*].phones[*].number': [sales, support], '$.people[*].age': []}")
    yield path
    become(Caller("", "", "", frozenset(), frozenset(), ""))


def write(path: Path, mask: str | None) -> None:
    if mask is None:
        path.unlink()
        return
    text = f"tools:\n  find_people: {{roles: [sales], mask: {mask}}}\n"
    path.write_text(text, "utf-8")
    os.utime(path, ns=(0, hash(text) % 10**15))  # a clock's step is too coarse to see it by


async def asked(*roles: str, result: Any = ANSWER) -> CallToolResult:
    become(Caller("s", "p", "P", frozenset(roles), frozenset(), "t"))
    server = new_server("people", title="P", version="1", instructions="", tools=[a_module(result)])
    async with Client(server) as client:
        return await client.call_tool("find_people", {})


def texts(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.mark.usefixtures("policy")
async def test_a_masked_field_is_in_neither_structure_nor_text_and_the_answer_says_so() -> None:
    result = await asked("analyst")
    assert SECRET not in result.model_dump_json()
    assert result.structured_content is not None
    [person] = result.structured_content["people"]
    assert person == {
        "name": "Ada", "phones": [{"number": "(masked)", "kind": "work"}], "age": None,
    }  # fmt: skip
    assert "Masked for the person's role: people[*].phones[*].number, people[*].age." in texts(
        result
    )
    assert (result.meta or {})[meta.MASKED] == ["$.people[*].phones[*].number", "$.people[*].age"]


@pytest.mark.usefixtures("policy")
async def test_a_role_of_the_line_sees_the_field_and_others_stay_masked() -> None:
    result = await asked("sales")
    assert SECRET in texts(result)
    assert (result.meta or {})[meta.MASKED] == ["$.people[*].age"]


@pytest.mark.usefixtures("policy")
async def test_without_a_role_everything_that_can_be_masked_is() -> None:
    assert SECRET not in (await asked()).model_dump_json()


@pytest.mark.usefixtures("policy")
async def test_what_a_tool_wrote_or_linked_beside_its_structure_is_left_out_too() -> None:
    own = CallToolResult(
        content=[
            TextContent(type="text", text=f"Ada has {SECRET}"),
            ResourceLink(type="resource_link", uri=f"x://all/{SECRET}", name="all"),
        ],
        structured_content=ANSWER.model_dump(),
    )
    assert SECRET not in (await asked("analyst", result=own)).model_dump_json()
    assert SECRET in (await asked("sales", result=own)).model_dump_json()


@pytest.mark.usefixtures("policy")
async def test_an_answer_that_cannot_be_masked_is_not_given() -> None:
    bare = CallToolResult(content=[TextContent(type="text", text=f"Ada has {SECRET}")])
    result = await asked("analyst", result=bare)
    assert result.is_error
    assert SECRET not in result.model_dump_json()


def test_a_number_of_any_size_stands_beside_what_is_masked() -> None:
    output = {
        "type": "object",
        "properties": {"phone": {"type": "string"}, "total": {"type": "integer"}},
    }
    masks = compiled({"$.phone": ["sales"]}, output)
    found = CallToolResult(content=[], structured_content={"phone": "555", "total": 2**70})
    shown = masking.answer(found, masks).content[0]
    assert isinstance(shown, TextContent)
    assert shown.text == f'{{"phone":"(masked)","total":{2**70}}}'


async def test_a_changed_policy_holds_from_the_next_call_and_a_broken_one_does_not(
    policy: Path,
) -> None:
    become(Caller("s", "p", "P", frozenset({"analyst"}), frozenset(), "t"))
    server = new_server("p", title="P", version="1", instructions="", tools=[a_module(ANSWER)])
    async with Client(server) as client:

        async def shown() -> bool:
            return SECRET in (await client.call_tool("find_people", {})).model_dump_json()

        assert not await shown()
        write(policy, "{'$.nowhere': []}")
        assert not await shown()
        write(policy, None)
        assert not await shown()
        write(policy, "{'$.people[*].age': []}")
        assert await shown()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("people", "is not a path"), ("$", "is not a path"), ("$.people[0].name", "is not a path"),
        ("$.nobody", "no such field"), ("$.people.name", "no such field"),
        ("$.people[*].phones[*].kind", "nothing to stand for"), ("$.total", "nothing to stand for"),
        ("$.people[*].phones", ""), ("$.people", ""), ("$.tags[*]", ""), ("$.people[*].age", ""),
    ],
)  # fmt: skip
def test_a_mask_fits_the_answer_or_the_server_does_not_start(path: str, says: str) -> None:
    if not says:
        assert compiled({path: []}, OUTPUT)
        return
    with pytest.raises(MaskError, match=says):
        compiled({path: []}, OUTPUT)


@pytest.mark.parametrize("text", ["[]", "{", "tools: []", "tools: {x: {mask: 5}}", "records: 5"])
def test_a_policy_that_is_none_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(MaskError, match=r"policy\.yaml"):
        OwnPolicy(path, {"x": OUTPUT})


def test_a_policy_that_was_named_and_is_not_there_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MCP_POLICY", "/nowhere/policy.yaml")
    with pytest.raises(MaskError, match="MCP_POLICY"):
        beside(ModuleType("x"))


PATHS = ["$.people[*].name", "$.people[*].age", "$.people[*].phones[*].number", "$.tags", "$.people[*].phones"]  # fmt: skip
MARK = "hidden-from-you"


@given(
    st.dictionaries(st.sampled_from(PATHS), st.lists(st.sampled_from(ROLES), unique=True)),
    st.frozensets(st.sampled_from(ROLES)),
    st.integers(0, 3),
)
def test_whatever_is_masked_the_answer_still_fits_its_schema(
    lines: dict[str, list[str]], held: frozenset[str], people: int
) -> None:
    phones = [Phone(number=MARK, kind="work")]
    one = People(
        people=[Person(name=MARK, phones=phones, age=1) for _ in range(people)], tags=[], total=0
    )
    given_out = CallToolResult(
        content=[TextContent(type="text", text=one.model_dump_json())],
        structured_content=one.model_dump(),
    )
    hidden = [mask for mask in compiled(lines, OUTPUT) if mask.hides_from(held)]
    result = masking.answer(given_out, hidden)
    made = People.model_validate(result.structured_content)
    gone = {mask.path for mask in hidden}
    for person in made.people:
        assert (person.name == MARK) is ("$.people[*].name" not in gone)
        numbers = [phone.number for phone in person.phones]
        shown = not gone & {"$.people[*].phones[*].number", "$.people[*].phones"}
        assert (MARK in numbers) is shown
    if people and {"$.people[*].name", "$.people[*].phones"} <= gone:
        assert MARK not in result.model_dump_json()


async def test_text_that_others_wrote_is_named_by_its_path() -> None:
    assert stored.paths(People) == ("$.people[*].name", "$.tags[*]")
    result = await asked("sales")
    assert (result.meta or {})[meta.UNTRUSTED] == ["$.people[*].name", "$.tags[*]"]
    assert "STORED" not in str(OUTPUT)
